// Package cloudsql connects to Cloud SQL instances through Google's connector:
// with the service account's own identity and TLS, without a proxy, a password
// or an allowed address. It is the only package that imports the connector.
package cloudsql

import (
	"context"
	"fmt"
	"net"

	"cloud.google.com/go/cloudsqlconn"

	"github.com/sajin-gallery/sajin/pkg/gormdb"
)

// Dialer is a gormdb.Dialer. It is safe for concurrent use.
type Dialer struct{ connector *cloudsqlconn.Dialer }

var _ gormdb.Dialer = (*Dialer)(nil)

// New makes a Dialer with the credentials of the environment. Close it after
// the databases that use it.
func New(ctx context.Context) (*Dialer, error) {
	connector, err := cloudsqlconn.NewDialer(ctx,
		cloudsqlconn.WithLazyRefresh(), // a background refresh does not run while Cloud Run throttles the CPU
		cloudsqlconn.WithBuiltInMetrics(false),
		cloudsqlconn.WithUserAgent("sajin"))
	if err != nil {
		return nil, fmt.Errorf("cloudsql: %w", err)
	}
	return &Dialer{connector}, nil
}

// Dial connects to an instance.
func (d *Dialer) Dial(ctx context.Context, instance string, o gormdb.DialOptions) (net.Conn, error) {
	options := []cloudsqlconn.DialOption{cloudsqlconn.WithDialIAMAuthN(o.IAM)}
	switch o.IP {
	case "private":
		options = append(options, cloudsqlconn.WithPrivateIP())
	case "public":
		options = append(options, cloudsqlconn.WithPublicIP())
	case "psc":
		options = append(options, cloudsqlconn.WithPSC())
	}
	conn, err := d.connector.Dial(ctx, instance, options...)
	if err != nil {
		return nil, fmt.Errorf("cloudsql: %w", err)
	}
	return conn, nil
}

// Close ends the connector's background work.
func (d *Dialer) Close() error { return d.connector.Close() }
