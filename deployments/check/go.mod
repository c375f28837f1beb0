// The checks of the files by which Sajin is deployed. A module of its own keeps
// their dependencies out of the product's.
module github.com/sajin-gallery/sajin/deployments/check

go 1.26.0
