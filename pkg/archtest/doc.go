// Package archtest holds the module to its architecture. Its tests read every
// source file and check who imports whom, where each dependency lives, how
// things are named and how long files are. The rules are in rules_test.go, each
// with its reason; a package that no rule names fails, and so does a rule that
// nothing needs any more.
//
// It reads source text only and knows nothing of what the packages do.
package archtest
