package goimaging

import "encoding/binary"

// exifPrefix begins EXIF data in a JPEG segment, and in some WebP files.
const exifPrefix = "Exif\x00\x00"

// maxExifBytes is how much of the EXIF data is read for the orientation: it is
// in the first directory, which is at the front of every file a camera writes.
const maxExifBytes = 16 << 10

// orientation is the EXIF orientation in TIFF-structured data, 1 to 8. What is
// missing, broken or out of range is 1: a picture is never refused for it.
func orientation(tiff []byte) int {
	if len(tiff) >= len(exifPrefix) && string(tiff[:len(exifPrefix)]) == exifPrefix {
		tiff = tiff[len(exifPrefix):]
	}
	order, entries := firstDirectory(tiff)
	for ; len(entries) >= 12; entries = entries[12:] {
		const tagOrientation, typeShort = 0x0112, 3
		if order.Uint16(entries) != tagOrientation {
			continue
		}
		value := order.Uint16(entries[8:])
		if order.Uint16(entries[2:]) == typeShort && value >= 1 && value <= 8 {
			return int(value)
		}
		return 1
	}
	return 1
}

// firstDirectory is the byte order and the entries of IFD0, none if broken.
func firstDirectory(tiff []byte) (binary.ByteOrder, []byte) {
	if len(tiff) < 8 {
		return nil, nil
	}
	var order binary.ByteOrder = binary.LittleEndian
	switch string(tiff[:4]) {
	case "II*\x00":
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return nil, nil
	}
	start := int64(order.Uint32(tiff[4:]))
	if start < 8 || start+2 > int64(len(tiff)) {
		return nil, nil
	}
	count := int(order.Uint16(tiff[start:]))
	entries := tiff[start+2:]
	return order, entries[:min(len(entries), 12*count)]
}

// orientationAt reads the orientation out of EXIF data in the source.
func orientationAt(w *window, e extent) int {
	data, err := w.at(e.off, int(min(e.size, maxExifBytes)))
	if err != nil {
		return 1
	}
	return orientation(data)
}
