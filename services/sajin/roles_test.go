package main

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/gormdb/mysqltest"
	"github.com/sajin-gallery/sajin/pkg/gormdb/schematest"
	"github.com/sajin-gallery/sajin/services/web"
)

// grants are the statements by which a deployment says what each program may do
// in the database.
func grants(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../deployments/terraform/roles.sql")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for statement := range strings.SplitSeq(string(text), ";") {
		var lines []string
		for line := range strings.Lines(statement) {
			if !strings.HasPrefix(line, "--") {
				lines = append(lines, line)
			}
		}
		if s := strings.TrimSpace(strings.Join(lines, "")); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// roles makes the two databases of a deployment, with a user for each role and
// nothing else. The function it gives is the address of a database, for a user.
func roles(t *testing.T) func(user, database string) string {
	t.Helper()
	server, err := mysqltest.Start(t.Context(), filepath.Join(t.TempDir(), "db"))
	if err != nil {
		mysqltest.URL(t) // skips or fails, as it is asked to
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	var root string
	for _, name := range []string{"catalog", "web"} {
		if root, err = server.CreateDatabase(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	db := schematest.Open(t, root)
	statements := append(grants(t), grants(t)...) // it may be run again
	var mariaDB bool
	if err := db.Raw("SELECT VERSION() LIKE '%MariaDB%'").Scan(&mariaDB).Error; err != nil {
		t.Fatal(err)
	}
	if !mariaDB { // as Cloud SQL is set
		statements = append(statements, "SET GLOBAL activate_all_roles_on_login = ON")
	}
	for _, user := range []string{"catalog", "web", "migrate"} {
		statements = append(statements,
			"CREATE USER '"+user+"'@'%' IDENTIFIED BY 'secret'", "GRANT 'sajin_"+user+"' TO '"+user+"'@'%'")
		if mariaDB { // which has no such setting
			statements = append(statements, "SET DEFAULT ROLE 'sajin_"+user+"' FOR '"+user+"'@'%'")
		}
	}
	for _, statement := range statements {
		if err := db.Exec(statement).Error; err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	return func(user, database string) string {
		return "mysql://" + user + ":secret@/" + database + "?" + url.Values{"socket": {server.Socket}}.Encode()
	}
}

// With the roles of a deployment every program can do its work, and nothing of
// another's: the services change no schema, and read none but their own.
func TestTheRolesOfADeploymentSuffice(t *testing.T) {
	at := roles(t)
	t.Setenv("SAJIN_DATABASE_URL", at("migrate", "catalog"))
	t.Setenv("SAJIN_WEB_DATABASE_URL", at("migrate", "web"))
	t.Setenv("SAJIN_DATA_DIR", t.TempDir())
	for _, want := range []string{"brought from version 0", "up to date"} {
		if out, problem, code := run(t, "migrate"); code != 0 || !strings.Contains(out, "catalog: "+want) || !strings.Contains(out, "web: "+want) {
			t.Fatalf("migrate: %d %s%s, want %q", code, out, problem, want)
		}
	}

	h, stop := serving(t, t.TempDir(), "SAJIN_DATABASE_URL="+at("catalog", "catalog"), "SAJIN_CATALOG_MIGRATE=false")
	add(t, h, 0, 3)
	listed(t, h, 3)
	stop()

	accounts := schematest.Open(t, at("web", "web"))
	if err := web.CreateOwner(t.Context(), accounts, web.NewAccount{Name: "ada", Password: "correct horse battery"}); err != nil {
		t.Errorf("web makes an account: %v", err)
	}
	if name, err := web.SetPassword(t.Context(), accounts, "ada", "wrong horse battery"); err != nil || name != "ada" {
		t.Errorf("web changes a password: %q, %v", name, err)
	}

	for _, tt := range []struct{ user, database, statement string }{
		{"catalog", "catalog", "CREATE TABLE mine (id INT)"},
		{"catalog", "catalog", "DROP TABLE catalog_images"},
		{"web", "web", "ALTER TABLE web_accounts ADD COLUMN mine INT"},
		{"catalog", "catalog", "SELECT * FROM web.web_accounts"},
		{"web", "web", "SELECT * FROM catalog.catalog_images"},
		{"migrate", "catalog", "CREATE USER mine"},
	} {
		if err := schematest.Open(t, at(tt.user, tt.database)).Exec(tt.statement).Error; err == nil || !strings.Contains(err.Error(), "denied") {
			t.Errorf("%s may %s: %v", tt.user, tt.statement, err)
		}
	}
}
