package config_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/config"
)

type sizes struct {
	MaxFiles int `env:"MAX_FILES" envDefault:"7"`
}

func TestLoadDefaults(t *testing.T) {
	var c config.Common
	var s sizes
	if err := config.Load(nil, &c, &s); err != nil {
		t.Fatal(err)
	}
	if c.Addr != "127.0.0.1:8080" || c.DataDir != "sajin-data" || s.MaxFiles != 7 {
		t.Errorf("defaults: %+v %+v", c, s)
	}
}

func TestLoadNamesEveryProblemAtOnce(t *testing.T) {
	var c config.Common
	var s sizes
	err := config.Load([]string{
		"SAJIN_ADDR=nowhere", "SAJIN_LOG_FORMAT=xml", "SAJIN_AUTH=maybe", "SAJIN_MAX_FILES=secret-text",
	}, &c, &s)
	if err == nil {
		t.Fatal("accepted")
	}
	for _, name := range []string{"SAJIN_ADDR", "SAJIN_LOG_FORMAT", "SAJIN_AUTH", "SAJIN_MAX_FILES"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%q does not name %s", err, name)
		}
	}
	if strings.Contains(err.Error(), "secret-text") {
		t.Errorf("%q shows the value of a variable that could not be read", err)
	}
}

func TestUnknown(t *testing.T) {
	unknown, err := config.Unknown([]string{"SAJIN_ADR=x", "SAJIN_ADDR=y", "SAJIN_TEST_REQUIRE=z", "HOME=/"}, &config.Common{})
	if err != nil || !slices.Equal(unknown, []string{"SAJIN_ADR"}) {
		t.Errorf("unknown %v, %v", unknown, err)
	}
}
