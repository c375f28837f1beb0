package blob

import "context"

// Copy copies an object, in the generation that from says, to a new one under
// key: within the store where that can, else through here. It is ErrNotFound
// where from is gone, that or ErrChanged where it is another object by now, and
// ErrExists where there is one under key. opts.IfNotExists and opts.Size are set.
func Copy(ctx context.Context, s Store, from Info, key string, opts WriteOptions) (Info, error) {
	opts.IfNotExists, opts.Size = true, from.Size
	if c, ok := s.(Copier); ok {
		return c.Copy(ctx, from, key, opts)
	}
	r, info, err := s.Open(ctx, from.Key, 0, -1)
	if err != nil {
		return Info{}, err
	}
	defer func() { _ = r.Close() }()
	if info.Generation != from.Generation {
		return Info{}, ErrChanged
	}
	return s.Put(ctx, key, r, opts)
}
