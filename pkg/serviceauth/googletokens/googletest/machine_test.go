package googletest

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
)

// A program that reads the variables finds the keys under Google's own name, and
// nothing else.
func TestAMachineLeadsToTheKeys(t *testing.T) {
	m := NewMachine(t, New(), "web@sajin.iam.gserviceaccount.com")
	roots, err := os.ReadFile(m.roots)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(roots) {
		t.Fatal("there is no certificate in the file of roots")
	}
	proxy, err := url.Parse(m.proxy)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{Proxy: http.ProxyURL(proxy), TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	for address, want := range map[string]string{KeysURL: `"kid":"k1"`, "https://example.org/": ""} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := transport.RoundTrip(req)
		if (err == nil) != (want != "") {
			t.Fatalf("%s: %v", address, err)
		}
		if err != nil {
			continue
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || !strings.Contains(string(body), want) {
			t.Errorf("%s: %v, %.200s", address, err, body)
		}
	}
}
