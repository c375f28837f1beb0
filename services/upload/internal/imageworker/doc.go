// Package imageworker is the [ingest.Imager] and the [ingest.MetadataReader] that
// let other processes do the work: the program's own file, started again, is
// given an image and asked for its renditions. An image that would end the
// process ends a worker, and nobody's upload but its own.
//
// A worker inherits nothing but a socket: no environment, no open files, no
// configuration but what its engine is made of. The image reaches it as a
// descriptor that can only be read. It has a limit on memory for each image,
// which the kernel holds it to (on Linux), and is killed when its time is over.
// Workers are kept for the next image and end when there is none; each is
// replaced after a number of images, or when it holds much memory.
//
// What a worker says is as hostile as the image that it read: sizes are bounded
// by what was asked for, and every answer is checked.
//
// The package knows no image format. What does the work, the [Engine], is given
// by the composition root, whose programs call [Main] first thing.
package imageworker
