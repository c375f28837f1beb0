package ingest

import (
	"context"
	"runtime"

	"golang.org/x/sync/semaphore"
)

// decodesPerCore bounds how many decodes share a core, so that the time limit
// on one measures its own work and not its waiting for the others.
const decodesPerCore = 2

// budget admits work by what it weighs, in the order of asking, so that a large
// image is not overtaken for ever by small ones.
type budget struct {
	total int64
	least int64 // what the smallest work counts for
	sem   *semaphore.Weighted
}

func newBudget(total int64) *budget {
	return &budget{total: total, least: 1, sem: semaphore.NewWeighted(total)}
}

// DecodesAtOnce is how many images are decoded at the same time at most.
func DecodesAtOnce() int { return decodesPerCore * runtime.GOMAXPROCS(0) }

func newDecodeBudget(total int64) *budget {
	b := newBudget(total)
	b.least = max(1, total/int64(DecodesAtOnce()))
	return b
}

// acquire waits until weight is free or ctx ends. More than the whole budget is
// ErrTooLarge at once, since it would wait for ever.
func (b *budget) acquire(ctx context.Context, weight int64) (release func(), err error) {
	weight = max(weight, b.least)
	if weight > b.total {
		return nil, ErrTooLarge
	}
	if err := b.sem.Acquire(ctx, weight); err != nil {
		return nil, err
	}
	return func() { b.sem.Release(weight) }, nil
}
