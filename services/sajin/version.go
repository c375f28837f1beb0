package main

import "runtime/debug"

// version is the version that Go recorded when it built the program: a tag, or
// the commit.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "sajin (unknown version)"
	}
	out := "sajin " + info.Main.Version
	for _, setting := range info.Settings {
		if setting.Key == "vcs.time" {
			out += " " + setting.Value
		}
	}
	return out + " " + info.GoVersion
}
