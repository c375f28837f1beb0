package main

import (
	"github.com/sajin-gallery/sajin/pkg/platform"
	"github.com/sajin-gallery/sajin/pkg/platform/buses"
	"github.com/sajin-gallery/sajin/pkg/platform/databases"
)

// kit is what this program can open, and so what it links.
var kit = platform.Kit{Events: buses.Open, Database: databases.Open}
