package main

import (
	"github.com/sajin-gallery/sajin/pkg/platform"
	"github.com/sajin-gallery/sajin/pkg/platform/buses"
	"github.com/sajin-gallery/sajin/pkg/platform/stores"
)

// kit is what this program can open, and so what it links.
var kit = platform.Kit{Events: buses.Open, Media: stores.Open}
