package main

import (
	"github.com/sajin-gallery/sajin/pkg/platform"
	"github.com/sajin-gallery/sajin/pkg/platform/databases"
	"github.com/sajin-gallery/sajin/pkg/platform/embedded"
	"github.com/sajin-gallery/sajin/pkg/platform/stores"
)

// everything is what this program can open: all that there is, since it is every
// service on one machine, and the commands for those that run apart.
var everything = platform.Kit{Events: embedded.OpenBus, Media: stores.Open, Database: databases.Open}
