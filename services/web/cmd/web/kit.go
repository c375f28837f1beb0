package main

import (
	"github.com/sajin-gallery/sajin/pkg/platform"
	"github.com/sajin-gallery/sajin/pkg/platform/databases"
	"github.com/sajin-gallery/sajin/pkg/platform/stores"
)

// kit is what this program can open, and so what it links.
var kit = platform.Kit{Media: stores.Open, Database: databases.Open}
