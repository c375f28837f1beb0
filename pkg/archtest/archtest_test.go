package archtest

import (
	"os"
	"testing"
)

// sajin is this module's own packages.
func sajin(t *testing.T) []pkg {
	t.Helper()
	pkgs, err := load(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	if len(pkgs) < 10 {
		t.Fatalf("found only %d packages: this is not the module's root", len(pkgs))
	}
	return pkgs
}

func report(t *testing.T, found complaints) {
	t.Helper()
	for _, complaint := range found {
		t.Error(complaint)
	}
}

func TestEveryPackageImportsWhatItsLayerMay(t *testing.T) { report(t, checkLayers(sajin(t), layers)) }

func TestEveryDependencyIsUsedWhereItLives(t *testing.T) {
	report(t, checkDependencies(sajin(t), dependencies))
}

func TestEveryRuleIsNeeded(t *testing.T) {
	report(t, checkNeed(sajin(t), layers, dependencies))
}

func TestWhatServesTestsIsNotShipped(t *testing.T) { report(t, checkTestPackages(sajin(t))) }

func TestNamesSayWhatThingsAre(t *testing.T) { report(t, checkNames(sajin(t))) }

func TestEveryPackageSaysWhatItIsFor(t *testing.T) { report(t, checkDocs(sajin(t))) }

func TestFilesAreShort(t *testing.T) { report(t, checkLengths(sajin(t))) }

func TestEveryRuleHasAReason(t *testing.T) {
	for _, l := range layers {
		if l.why == "" {
			t.Errorf("the layer %q does not say why", l.packages)
		}
	}
	for _, d := range dependencies {
		if d.why == "" {
			t.Errorf("the rule for %q does not say why", d.prefixes)
		}
	}
}
