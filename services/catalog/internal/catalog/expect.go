package catalog

import (
	"context"

	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

// Expect makes known what upload has just stored, or says of which image it is
// a duplicate. Repeating it changes nothing, and it never overrides what an
// event said. What is new goes into the album that it was uploaded to, and so
// does the image that a file is a duplicate of. It does all of the request or
// nothing. Errors: validation_failed, ErrIDTaken.
func (s *Service) Expect(ctx context.Context, req catalogapi.ExpectRequest) (catalogapi.ExpectResponse, error) {
	owner, err := actor(ctx)
	if err != nil {
		return catalogapi.ExpectResponse{}, err
	}
	if err := checkExpected(req); err != nil {
		return catalogapi.ExpectResponse{}, err
	}
	scope := Scope{Owner: owner}
	for _, e := range req.Images {
		scope.IDs = append(scope.IDs, e.ID)
		if e.SHA256 != "" { // else it is not known yet, and the event tells
			scope.SHA256s = append(scope.SHA256s, e.SHA256)
		}
		scope.Albums = scope.Albums || e.Album != ""
	}
	var out catalogapi.ExpectResponse
	var g *gardener
	err = s.update(ctx, "catalog.Expect", scope, func(snapshot Snapshot) (c Changeset, err error) {
		out.Results = make([]catalogapi.ExpectResult, len(req.Images))
		g = newGardener(owner, snapshot, s.now())
		for i, e := range req.Images {
			if out.Results[i], err = expect(owner, e, snapshot, &c, g); err != nil {
				return Changeset{}, err
			}
		}
		g.tend(&c)
		return c, nil
	})
	if err != nil {
		return catalogapi.ExpectResponse{}, err
	}
	s.sayLeftOut(ctx, g)
	return out, nil
}

// expect decides about one file, and notes it in the snapshot for the next.
func expect(owner identity.Owner, e catalogapi.Expected, snapshot Snapshot, c *Changeset, g *gardener) (catalogapi.ExpectResult, error) {
	result := catalogapi.ExpectResult{ID: e.ID}
	if known, found := snapshot.Images[e.ID]; found {
		if known.Owner != string(owner) {
			return result, ErrIDTaken
		}
		return result, nil
	}
	retired, isRetired := snapshot.Retired[e.ID]
	refused := isRetired && retired.FailCode != ""
	switch {
	case isRetired && retired.Owner != owner:
		return result, ErrIDTaken
	case isRetired && retired.AliasOf != "":
		if original, found := snapshot.find(owner, e.ID); found {
			result.DuplicateOf, result.Trashed = original.ID, original.trashed()
			g.settle(e.Album, original)
		}
		return result, nil
	case isRetired && !refused: // purged already
		return result, nil
	}
	if original, found := snapshot.ByContent[e.SHA256]; found && !refused {
		result.DuplicateOf, result.Trashed = original.ID, original.trashed()
		g.settle(e.Album, original)
		return result, nil
	}
	i := expected(owner, e, g.now)
	if refused { // the refusal was faster than the announcement
		i = i.fail(retired.FailCode, retired.FailDetail)
		c.Unretire = append(c.Unretire, e.ID)
	}
	c.add(i, g.now)
	g.settle(e.Album, i)
	snapshot.Images[e.ID] = i
	if key, ok := i.ContentKey(); ok {
		snapshot.ByContent[key] = i
	}
	return result, nil
}
