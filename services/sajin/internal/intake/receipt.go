package intake

import (
	"context"
	"slices"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
)

// How long images that are still processed are waited for.
const (
	receiptTries = 30
	receiptPause = 2 * time.Second
)

// Receipt asks for what is stored of all images that the results name, however
// many, each once. Images that are not processed yet are waited for, up to a
// minute; then they are missing.
func Receipt(ctx context.Context, g Gallery, results []Result) (uploadapi.Receipt, error) {
	var ids []string
	seen := map[string]bool{}
	for _, r := range results {
		if r.ID != "" && !seen[r.ID] {
			seen[r.ID] = true
			ids = append(ids, r.ID)
		}
	}
	out := uploadapi.Receipt{Version: uploadapi.ReceiptVersion, MadeAt: time.Now().UTC(), Files: []uploadapi.ReceiptFile{}}
	found := map[string]uploadapi.ReceiptFile{}
	missing := ids
	for try := 0; len(missing) > 0; try++ {
		if try == receiptTries {
			out.Missing = missing
			break
		}
		if try > 0 {
			select {
			case <-time.After(receiptPause):
			case <-ctx.Done():
				return out, ctx.Err()
			}
		}
		var err error
		if missing, err = collect(ctx, g, missing, found); err != nil {
			return out, err
		}
	}
	for _, id := range ids {
		if f, ok := found[id]; ok {
			out.Files = append(out.Files, f)
		}
	}
	return out, nil
}

func collect(ctx context.Context, g Gallery, ids []string, found map[string]uploadapi.ReceiptFile) (missing []string, err error) {
	for some := range slices.Chunk(ids, uploadapi.MaxReceipt) {
		receipt, err := g.Receipt(ctx, some)
		if err != nil {
			return nil, err
		}
		for _, f := range receipt.Files {
			found[f.ID] = f
		}
		missing = append(missing, receipt.Missing...)
	}
	return missing, nil
}
