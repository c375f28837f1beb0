package googletest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// Machine is a machine of Google's as a program on it sees it, by variables that
// Google's libraries and Go itself read everywhere: a metadata server that vouches
// for one account, and a way to Google's keys. Safe for concurrent use.
type Machine struct {
	google   *Google
	account  string
	metadata string // host:port
	proxy    string
	roots    string // a file
	home     string // a folder without credentials
	vouched  atomic.Int64
}

// NewMachine starts one that runs as the account, until the test ends.
func NewMachine(t *testing.T, g *Google, account string) *Machine {
	t.Helper()
	m := &Machine{google: g, account: account, home: t.TempDir()}
	Keys() // before somebody waits for them
	metadata := httptest.NewServer(http.HandlerFunc(m.identity))
	t.Cleanup(metadata.Close)
	m.metadata = metadata.Listener.Addr().String()
	m.publish(t)
	return m
}

// Environment has a program believe that it runs on m.
func (m *Machine) Environment() []string {
	return []string{
		"GCE_METADATA_HOST=" + m.metadata, "GOOGLE_APPLICATION_CREDENTIALS=", "HOME=" + m.home, "CLOUDSDK_CONFIG=" + m.home,
		"HTTPS_PROXY=" + m.proxy, "NO_PROXY=", "no_proxy=", "SSL_CERT_FILE=" + m.roots,
	}
}

// Vouched is how many tokens were made.
func (m *Machine) Vouched() int { return int(m.vouched.Load()) }

// identity gives out tokens as the metadata server does.
// https://cloud.google.com/compute/docs/instances/verifying-instance-identity
func (m *Machine) identity(w http.ResponseWriter, r *http.Request) {
	audience := r.URL.Query().Get("audience")
	if r.URL.Path != "/computeMetadata/v1/instance/service-accounts/default/identity" || audience == "" || r.Header.Get("Metadata-Flavor") != "Google" {
		http.NotFound(w, r)
		return
	}
	token, err := sign(Claims(m.account, audience))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	m.vouched.Add(1)
	w.Header().Set("Metadata-Flavor", "Google")
	_, _ = io.WriteString(w, token) // the program is gone; there is nobody to tell
}

// publish serves Google's keys under Google's name, behind a proxy that leads
// nowhere else.
func (m *Machine) publish(t *testing.T) {
	t.Helper()
	host, err := url.Parse(KeysURL)
	if err != nil {
		t.Fatal(err)
	}
	own, roots := certificate(t, host.Host)
	m.roots = filepath.Join(m.home, "roots.pem")
	if err := os.WriteFile(m.roots, roots, 0o600); err != nil {
		t.Fatal(err)
	}
	keys := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { m.keys(w, r, host.Host) }))
	keys.TLS = &tls.Config{Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS12}
	keys.StartTLS()
	t.Cleanup(keys.Close)
	proxy := httptest.NewServer(tunnel(host.Host+":443", keys.Listener.Addr().String()))
	t.Cleanup(proxy.Close)
	m.proxy = proxy.URL
}

// keys answers in the words of Google.
func (m *Machine) keys(w http.ResponseWriter, r *http.Request, host string) {
	out := r.Clone(r.Context())
	out.URL.Scheme, out.URL.Host = "https", host
	resp, err := m.google.RoundTrip(out)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer func() { _ = resp.Body.Close() }()
	w.Header().Set("Cache-Control", resp.Header.Get("Cache-Control"))
	_, _ = io.Copy(w, resp.Body) // as above
}

// tunnel is a proxy that lets through to one name, and leads it to addr.
func tunnel(name, addr string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || r.Host != name {
			http.Error(w, "only to "+name, http.StatusForbidden)
			return
		}
		there, err := new(net.Dialer).DialContext(r.Context(), "tcp", addr)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		// Nobody speaks before the answer, so the server has read nothing ahead.
		here, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_, err = io.WriteString(here, "HTTP/1.1 200 Connection established\r\n\r\n")
		}
		if err != nil {
			_ = there.Close()
			return
		}
		join(here, there)
	})
}

// join passes on what either side says, until one has said all.
func join(here, there net.Conn) {
	defer func() { _, _ = here.Close(), there.Close() }()
	go func() {
		_, _ = io.Copy(there, here)
		_ = there.Close()
	}()
	_, _ = io.Copy(here, there)
}

// certificate is one of a name, and the roots that vouch for it: itself.
func certificate(t *testing.T, name string) (own tls.Certificate, roots []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
