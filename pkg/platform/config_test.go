package platform_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/config"
	"github.com/sajin-gallery/sajin/pkg/platform"
)

func TestNothingSetIsBelowTheDataFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	c := platform.Config{DatabaseURL: "mysql://sajin@db/catalog"}
	if err := c.Embedded("data"); err != nil {
		t.Fatal(err)
	}
	here = filepath.ToSlash(here)
	want := platform.Config{
		MediaURL: "file://" + here + "/data/media", EventsURL: "nats+embedded://" + here + "/data/events",
		AccountsURL: "sqlite://" + here + "/data/accounts.db",
		DatabaseURL: "mysql://sajin@db/catalog", // what was set stays
	}
	if c != want {
		t.Errorf("%+v, want %+v", c, want)
	}
	if err := c.Validate(); err != nil {
		t.Errorf("its own defaults are refused: %v", err)
	}
}

func TestAddressesAreChecked(t *testing.T) {
	for _, tt := range []struct {
		variable string
		good     []string
		bad      []string
	}{
		{
			"MEDIA_URL",
			[]string{"", "file:///var/pictures", "gs://bucket"},
			[]string{"ftp://secret", "secret", "file://secret/pictures", "file:///", "gs://", "gs:///secret"},
		},
		{
			"DATABASE_URL",
			[]string{"", "sqlite:///data/catalog.db", "mysql://u:p@host:3306/db", "mysql://u:p@/db?socket=/run/mysqld.sock", "cloudsql://project:region:instance/db?iam=u"},
			[]string{"postgres://u:secret@host/db", "sqlite://secret.db", "sqlite:", "mysql://"},
		},
		{
			"EVENTS_URL",
			[]string{"", "nats+embedded:///data/events", "nats://host:4222", "pubsub://project"},
			[]string{"kafka://secret", "nats+embedded://secret", "nats://", "pubsub://", "pubsub:///secret"},
		},
	} {
		load := func(address string) error {
			return config.Load([]string{"SAJIN_" + tt.variable + "=" + address}, &platform.Config{})
		}
		for _, address := range tt.good {
			if err := load(address); err != nil {
				t.Errorf("%s=%s: %v", tt.variable, address, err)
			}
		}
		for _, address := range tt.bad {
			err := load(address)
			if err == nil || !strings.Contains(err.Error(), "SAJIN_"+tt.variable) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s=%s: %v, want it to name the variable and not show the value", tt.variable, address, err)
			}
		}
	}
}

func TestWhatIsMissingIsNamedAtOnce(t *testing.T) {
	c := platform.Config{Required: platform.Events | platform.Media | platform.Database}
	err := c.Validate()
	for _, variable := range []string{"SAJIN_EVENTS_URL", "SAJIN_MEDIA_URL", "SAJIN_DATABASE_URL"} {
		if err == nil || !strings.Contains(err.Error(), variable+" must be set") {
			t.Errorf("%v, want it to name %s", err, variable)
		}
	}
	c = platform.Config{Required: platform.Media, MediaURL: "gs://bucket"}
	if err := c.Validate(); err != nil {
		t.Errorf("what nobody needs is missed: %v", err)
	}
}

// The database of accounts is needed where there are accounts.
func TestAccountsAreKeptWhereThereAreSome(t *testing.T) {
	for auth, needed := range map[string]bool{"": false, "none": false, "password": true, "iap": true} {
		c := platform.Config{Required: platform.Accounts, Auth: auth}
		if err := c.Validate(); (err != nil) != needed || needed && !strings.Contains(err.Error(), "SAJIN_WEB_DATABASE_URL must be set") {
			t.Errorf("%q: %v", auth, err)
		}
		c.AccountsURL = "sqlite://" + filepath.Join(t.TempDir(), "accounts.db")
		a, err := everything.Open(t.Context(), c, platform.Accounts)
		if err != nil {
			t.Fatal(err)
		}
		if (a.Accounts != nil) != needed {
			t.Errorf("%q: the database is open: %v", auth, a.Accounts != nil)
		}
		a.Close()
	}
}

func TestPeersAreChecked(t *testing.T) {
	err := config.Load([]string{"SAJIN_UPLOAD_URL=upload:8080"}, &platform.Peers{})
	for _, variable := range []string{"SAJIN_CATALOG_URL", "SAJIN_UPLOAD_URL"} {
		if err == nil || !strings.Contains(err.Error(), variable) {
			t.Errorf("%v, want it to name %s", err, variable)
		}
	}
	var p platform.Peers
	addresses := []string{"SAJIN_CATALOG_URL=https://catalog.example", "SAJIN_UPLOAD_URL=http://127.0.0.1:8081"}
	if err := config.Load(addresses, &p); err == nil || !strings.Contains(err.Error(), "SAJIN_SERVICE_AUTH") {
		t.Errorf("%v: how web proves itself to another machine is left open", err)
	}
	if err := config.Load(append(addresses, "SAJIN_SERVICE_AUTH=none"), &p); err != nil {
		t.Fatal(err)
	}
	toCatalog, toUpload, err := p.Targets()
	if err != nil || toCatalog.Base.String() != "https://catalog.example" || toUpload.Base.String() != "http://127.0.0.1:8081" {
		t.Errorf("%s, %s, %v", toCatalog.Base, toUpload.Base, err)
	}
}
