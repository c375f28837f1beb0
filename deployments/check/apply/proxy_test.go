package apply

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// hosts are those that the double answers for.
var hosts = []string{"*.googleapis.com", "*.pkg.dev"}

// proxied starts a proxy on loopback that leads every call to one of Google's
// hosts to the double, and none anywhere else. It gives the environment by which
// a program uses it.
func proxied(t *testing.T, c *cloud) []string {
	t.Helper()
	certificate, file := authority(t)
	google := httptest.NewUnstartedServer(c)
	google.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	google.StartTLS()
	t.Cleanup(google.Close)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.URL.Hostname()
		if r.Method == http.MethodGet && host == "" {
			http.NotFound(w, r) // asked whether this is one of Google's machines
			return
		}
		if r.Method != http.MethodConnect || !strings.HasSuffix(host, ".googleapis.com") && !strings.HasSuffix(host, ".pkg.dev") {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.outside = append(c.outside, r.Method+" "+r.Host)
			http.Error(w, "nobody is outside", http.StatusForbidden)
			return
		}
		tunnel(t, w, google.Listener.Addr().String())
	}))
	t.Cleanup(proxy.Close)
	return []string{
		"HTTPS_PROXY=" + proxy.URL, "HTTP_PROXY=" + proxy.URL, "NO_PROXY=", "SSL_CERT_FILE=" + file,
		"GOOGLE_OAUTH_ACCESS_TOKEN=of-nobody", "GCE_METADATA_HOST=" + strings.TrimPrefix(proxy.URL, "http://"),
		"GOOGLE_APPLICATION_CREDENTIALS=", "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1",
	}
}

func tunnel(t *testing.T, w http.ResponseWriter, to string) {
	there, err := new(net.Dialer).DialContext(t.Context(), "tcp", to)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer there.Close()
	here, buffered, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer here.Close()
	if _, err := io.WriteString(here, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	ended := make(chan struct{}, 2)
	pass := func(into io.Writer, from io.Reader) {
		_, _ = io.Copy(into, from) // however it ends, the other way ends with it
		ended <- struct{}{}
	}
	go pass(there, bufio.NewReader(buffered.Reader))
	go pass(here, there)
	<-ended
}

// authority makes the certificate that the double shows for Google's hosts, and
// the file of those that a program is to trust.
func authority(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "A double of Google's"}, DNSNames: hosts,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "authority.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}
