// Package goimaging is the [ingest.Imager] in pure Go: it recognises JPEG, PNG,
// GIF, WebP, HEIC, AVIF, BMP, TIFF, JPEG XL (which is kept and not shown) and the raw
// files of cameras, refuses what would cost too much from the header alone, and makes the renditions that the gallery
// shows. The decoders of HEIC and AVIF are WebAssembly, compiled when the first
// such picture comes.
//
// Everything it reads is hostile. A file passes three gates. Probe walks the
// structure that the file declares, in bounded memory and without decoding a
// pixel, and checks it against the [Limits]. Derive walks it again, so that
// nothing is decoded that was not probed. The decoders, called by name and never
// through image.Decode, then run under a deadline, and a panic of theirs is a
// damaged image.
//
// Pixels stay in the planes of JPEG (luma and chroma apart, chroma usually at
// half the size) from the decoder to the encoder: resizing planes costs a tenth
// of resizing RGB, and loses nothing, since the renditions are JPEG again.
//
// One rule holds for every format: an image that ends too early is refused as
// damaged. Half a picture is never stored as if it were whole.
//
// The package knows nothing of uploads, buckets, events or HTTP, and nothing of
// metadata but the orientation and the colour profile, without which pixels are
// shown wrong.
package goimaging
