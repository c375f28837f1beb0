package main

import (
	"runtime/debug"
	"slices"
)

// version is the version that Go recorded when it built the program: a tag, or
// the commit.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "sajin (unknown version)"
	}
	at := ""
	if i := slices.IndexFunc(info.Settings, func(s debug.BuildSetting) bool { return s.Key == "vcs.time" }); i >= 0 {
		at = info.Settings[i].Value + " "
	}
	return "sajin " + info.Main.Version + " " + at + info.GoVersion
}
