package gormdb_test

import (
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/gormdb"
)

func TestFromDSN(t *testing.T) {
	for dsn, want := range map[string]string{
		"anna:p@ss/w%rd@tcp(db.example.org)/photos":               "mysql://anna:p%40ss%2Fw%25rd@db.example.org:3306/photos",
		"anna@unix(/run/db.sock)/photos?tls=true&charset=utf8mb4": "mysql://anna:@/photos?socket=%2Frun%2Fdb.sock&tls=true",
		"mysql://anna@db/photos":                                  "mysql://anna@db/photos",
		"cloudsql://p:r:i/photos?iam=anna":                        "cloudsql://p:r:i/photos?iam=anna",
		"anna:secret@tcp(db.example.org":                          "",
		"anna:secret@pipe(there)/photos":                          "",
		"anna:secret@tcp(db)/photos?loc=Mars":                     "",
	} {
		got, err := gormdb.FromDSN(dsn)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v; want %q", dsn, got, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the password is told: %v", err)
		}
	}
}
