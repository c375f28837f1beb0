package goimaging

import (
	"bytes"
	"errors"
	"image/color"
	"sync"
	"testing"

	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// TestHEIFColours finds the patches again, whatever the codec, the matrix, the
// range and the depth.
func TestHEIFColours(t *testing.T) {
	half := patchColours
	for i, c := range patchColours {
		mix := func(v uint8) uint8 { return uint8((int(v)*128 + 255*127) / 255) }
		half[i] = color.RGBA{mix(c.R), mix(c.G), mix(c.B), 255}
	}
	for name, want := range map[string][8]color.RGBA{
		"patches.heic": patchColours, "patches-709.heic": patchColours,
		"patches.avif": patchColours, "patches-10bit.avif": patchColours, "patches-half.avif": half,
	} {
		t.Run(name, func(t *testing.T) {
			file := fixture(t, name)
			p := mustProbe(t, file)
			if p.Unavailable || p.Width != 385 || p.Height != 217 || p.Orientation != 1 || p.ContentType != "image/"+name[len(name)-4:] {
				t.Fatalf("%+v", p)
			}
			d := mustDerive(t, file, standardSpecs...)
			for _, r := range d.Renditions {
				checkPatches(t, decodeRendition(t, r), want, 8)
			}
		})
	}
}

// TestHEIFIsTurnedOnce goes by the table; EXIF, which says it again, is for
// readers that ignore the table.
func TestHEIFIsTurnedOnce(t *testing.T) {
	file := fixture(t, "patches-turned.avif") // by 90 degrees against the clock
	if p := mustProbe(t, file); p.Orientation != 8 {
		t.Fatalf("orientation %d, want 8", p.Orientation)
	}
	d := mustDerive(t, file, standardSpecs...)
	if d.Width != 217 || d.Height != 385 {
		t.Errorf("%d x %d, want 217 x 385", d.Width, d.Height)
	}
	for _, r := range d.Renditions { // what the file knows of place and time is in none
		if bytes.Contains(r.Data, []byte("Exif")) || bytes.Contains(r.Data, []byte("Test 3")) {
			t.Errorf("%s has metadata", r.Name)
		}
	}
	m := decodeRendition(t, d.Renditions[0])
	r, g, b, _ := m.At(m.Bounds().Dx()/4, m.Bounds().Dy()*7/8).RGBA() // the stored top left: white
	if min(r>>8, g>>8, b>>8) < 245 {
		t.Errorf("the lower left is %d %d %d, want white", r>>8, g>>8, b>>8)
	}
}

// TestHEIFOrientations is the whole table of turns and mirrors.
func TestHEIFOrientations(t *testing.T) {
	for want, props := range map[int][]string{
		1: {}, 8: {"irot\x01"}, 3: {"irot\x02"}, 6: {"irot\x03"}, 4: {"imir\x00"}, 2: {"imir\x01"},
		5: {"irot\x03", "imir\x01"}, 7: {"irot\x01", "imir\x01"},
	} {
		if got := mustProbe(t, gridFile(t, 2, 2, 256, 128, props...)).Orientation; got != want {
			t.Errorf("%q: orientation %d, want %d", props, got, want)
		}
	}
}

// gridFile is a picture of columns x rows tiles of 128 x 64, by turns red and
// blue, as telephones write it.
func gridFile(t testing.TB, columns, rows, width, height int, props ...string) []byte {
	t.Helper()
	var tiles []heifTile
	var files [][]byte
	for _, name := range []string{"tile-red.heic", "tile-blue.heic"} {
		file := fixture(t, name)
		w := newWindow(t.Context(), source(file))
		f, err := readHEIF(w)
		if err != nil {
			t.Fatal(err)
		}
		l, _, err := f.layer(f.primary, Limits{}.withDefaults())
		if err != nil {
			t.Fatal(err)
		}
		tiles, files = append(tiles, l.tiles[0]), append(files, file)
	}
	part := func(i int, e extent) []byte { return files[i][e.off : e.off+e.size] }
	n := columns * rows
	build := func(at int) []byte {
		iloc := []byte{0x44, 0, byte(n >> 8), byte(n + 1)}
		var infe, ipma [][]byte
		dimg := []byte{0, byte(n + 1), 0, byte(n)}
		own := []byte{0, byte(n + 1), byte(1 + len(props)), 4}
		ipco := [][]byte{
			boxOf("hvcC", part(0, tiles[0].config)), boxOf("hvcC", part(1, tiles[1].config)),
			boxOf("ispe", zeros(4), be32(128), be32(64)), boxOf("ispe", zeros(4), be32(width), be32(height)),
		}
		for i, p := range props {
			ipco = append(ipco, boxOf(p[:4], []byte(p[4:])))
			own = append(own, byte(5+i))
		}
		data := at
		for i := range n {
			size := int(tiles[i%2].data.size)
			iloc = append(append(append(iloc, 0, byte(i+1), 0, 0, 0, 1), be32(data)...), be32(size)...)
			infe = append(infe, boxOf("infe", []byte{2, 0, 0, 0, 0, byte(i + 1), 0, 0}, []byte("hvc1"), zeros(1)))
			ipma = append(ipma, []byte{0, byte(i + 1), 2, byte(1 + i%2), 3})
			dimg = append(dimg, 0, byte(i+1))
			data += size
		}
		iloc = append(append(append(iloc, 0, byte(n+1), 0, 0, 0, 1), be32(data)...), be32(8)...)
		infe = append(infe, boxOf("infe", []byte{2, 0, 0, 0, 0, byte(n + 1), 0, 0}, []byte("grid"), zeros(1)))
		return boxOf("meta", zeros(4), boxOf("hdlr", zeros(8), []byte("pict"), zeros(13)), boxOf("pitm", zeros(4), []byte{0, byte(n + 1)}),
			boxOf("iloc", zeros(4), iloc), boxOf("iinf", zeros(4), []byte{0, byte(n + 1)}, bytes.Join(infe, nil)),
			boxOf("iref", zeros(4), boxOf("dimg", dimg)),
			boxOf("iprp", boxOf("ipco", ipco...), boxOf("ipma", zeros(4), be32(n+1), bytes.Join(ipma, nil), own)))
	}
	head := boxOf("ftyp", []byte("heic"), zeros(4), []byte("mif1heic"))
	var data []byte
	for i := range n {
		data = append(data, part(i%2, tiles[i%2].data)...)
	}
	data = append(data, 0, 0, byte(rows-1), byte(columns-1), byte(width>>8), byte(width), byte(height>>8), byte(height))
	return join(head, build(len(head)+len(build(0))+8), boxOf("mdat", data))
}

// TestHEIFOfTiles needs memory for one tile, and puts each in its place; the
// last ones reach beyond the picture.
func TestHEIFOfTiles(t *testing.T) {
	file := gridFile(t, 3, 3, 370, 170)
	p := mustProbe(t, file)
	if p.Unavailable || p.Width != 370 || p.Height != 170 || p.MemoryBytes > 40<<20 {
		t.Fatalf("%+v", p)
	}
	d := mustDerive(t, file, standardSpecs...)
	m := decodeRendition(t, d.Renditions[0])
	for y := range 3 {
		for x := range 3 {
			want := patchColours[2+(y*3+x)%2*2]
			r, g, b, _ := m.At(m.Bounds().Dx()*(128*x+50)/370, m.Bounds().Dy()*(64*y+25)/170).RGBA()
			if max(distance(r>>8, want.R), distance(g>>8, want.G), distance(b>>8, want.B)) > 8 {
				t.Errorf("tile %d %d is %d %d %d, want %v", x, y, r>>8, g>>8, b>>8, want)
			}
		}
	}
}

// TestHEIFWithinMemory keeps a picture whose decoding there is no memory for,
// and refuses one that has more pixels than any may have.
func TestHEIFWithinMemory(t *testing.T) {
	file := fixture(t, "patches.heic")
	need := mustProbe(t, file).MemoryBytes
	for limit, unavailable := range map[int64]bool{need: false, need - 1: true} {
		p, _, _, err := probeFile(Limits{MaxMemoryBytes: limit}, file)
		if err != nil || p.Unavailable != unavailable || p.Width != 385 {
			t.Errorf("with %d bytes: %+v, %v", limit, p, err)
		}
	}
	if _, _, _, err := probeFile(Limits{MaxPixels: 1000}, file); !errors.Is(err, ingest.ErrTooLarge) {
		t.Errorf("too many pixels: %v", err)
	}
}

// TestHEIFBombs are small files that say more than they hold.
func TestHEIFBombs(t *testing.T) {
	file := fixture(t, "patches.heic")
	tile, ispe := bytes.Index(file, []byte("ispe"))+8, bytes.LastIndex(file, []byte("ispe"))+8
	sps := gridFile(t, 2, 2, 256, 128)
	for name, tc := range map[string]struct {
		file []byte
		want error
	}{
		"of 2^32-1 pixels a side":   {withBytes(file, ispe, 255, 255, 255, 255, 255, 255, 255, 255), ingest.ErrTooLarge},
		"of no width":               {withBytes(file, ispe, 0, 0, 0, 0), ingest.ErrCorrupt},
		"with a larger bitstream":   {withBytes(file, tile, 0, 0, 0, 192, 0, 0, 0, 216), ingest.ErrCorrupt},
		"with a tile that is small": {withBytes(sps, bytes.Index(sps, []byte("ispe"))+8, 0, 0, 0, 4, 0, 0, 0, 4), ingest.ErrCorrupt},
		"with a film and no table":  {join(boxOf("ftyp", []byte("heic"), zeros(4)), boxOf("moov", zeros(99))), ingest.ErrCorrupt},
	} {
		if _, _, allocated, err := probeFile(Limits{}, tc.file); !errors.Is(err, tc.want) || allocated > 1<<20 {
			t.Errorf("%s: %v, with %d bytes allocated", name, err, allocated)
		}
	}
}

// TestHEIFTablesAreBounded: tables whose entries take few bytes, or none, give
// away no more memory than those of a telephone's picture need.
func TestHEIFTablesAreBounded(t *testing.T) {
	const count = maxItems - 1
	be16 := func(v int) []byte { return []byte{byte(v >> 8), byte(v)} }
	iloc := join(zeros(4), be16(0), be16(count)) // places of no bytes
	for id := range count {
		iloc = join(iloc, be16(id), zeros(2), be16(count))
	}
	ipma := join(zeros(4), be32(1), be16(1), []byte{255}, bytes.Repeat([]byte{1}, 255))
	iref := boxOf("iref", zeros(4), bytes.Repeat(boxOf("auxl", be16(1), be16(400), zeros(800)), 500))
	for name, table := range map[string][]byte{
		"places":     boxOf("iloc", iloc),
		"properties": boxOf("iprp", bytes.Repeat(boxOf("ipma", ipma), 2000)),
		"references": bytes.Repeat(iref, 2),
	} {
		file := join(boxOf("ftyp", []byte("heic"), zeros(4)), boxOf("meta", zeros(4), table))
		if _, _, allocated, err := probeFile(Limits{}, file); !errors.Is(err, ingest.ErrCorrupt) || allocated > 8<<20 {
			t.Errorf("%s: %v, with %d bytes allocated for a file of %d", name, err, allocated, len(file))
		}
	}
}

// TestHEIFAtOnce: the sandboxes do not know of each other.
func TestHEIFAtOnce(t *testing.T) {
	var all sync.WaitGroup
	for _, name := range []string{"tile-red.heic", "tile-blue.heic", "tile-red.heic"} {
		file := fixture(t, name)
		all.Go(func() { mustDerive(t, file, standardSpecs...) })
	}
	all.Wait()
}
