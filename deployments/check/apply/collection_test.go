package apply

import (
	"fmt"
	"maps"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
)

// collection is a kind of thing that is made, read, changed and removed as
// Google's newer APIs have it, by its name.
type collection struct {
	api, parent, kind string // such as pubsub.googleapis.com/v1, projects/{project}, topics

	within    string // what is before the names here, where another API has the same
	asks      string // the parameter that names a new one; empty where the body does or the double gives a number
	puts      bool   // a new one is PUT where it will be
	operation bool   // changes are operations, which are done at once
	policy    bool   // rights can be given to it

	made    func(r *request, name string, o object) error // refuses, and fills in, before one is kept as new or changed
	keeps   []string                                      // where a change says all anew: the fields that Google alone fills
	removes func(r *request, name string) error
}

func (c *cloud) serves(k collection) {
	many := k.api + "/" + k.parent + "/" + k.kind
	one := many + "/{id}"
	prefix := func(r *request) string {
		_, version, _ := strings.Cut(k.api, "/")
		return k.within + strings.TrimPrefix(r.URL.Path, "/"+version+"/")
	}
	done := func(r *request, o object) object {
		if !k.operation {
			return o
		}
		return object{"name": fmt.Sprintf("projects/%s/locations/%s/operations/%d", project, region, r.next()), "done": true, "response": o}
	}
	create := func(r *request, name string) (object, error) {
		r.makes(name)
		if r.things[name] != nil {
			return nil, refuse(http.StatusConflict, "ALREADY_EXISTS", "Resource '%s' already exists.", name)
		}
		o := r.body
		o["name"] = strings.TrimPrefix(name, k.within)
		if err := k.check(r, name, o); err != nil {
			return nil, err
		}
		r.things[name] = o
		return done(r, o), nil
	}
	if k.puts {
		c.handle("PUT "+one, func(r *request) (object, error) { return create(r, prefix(r)) })
	} else {
		c.handle("POST "+many, func(r *request) (object, error) {
			id := strconv.Itoa(r.next())
			if k.asks != "" {
				id = r.URL.Query().Get(k.asks)
			} else if said := text(r.body, "name"); said != "" {
				id = path.Base(said)
			}
			return create(r, prefix(r)+"/"+id)
		})
	}
	c.handle("GET "+many, func(r *request) (object, error) { return r.list(k.kind, prefix(r)+"/"), nil })
	c.handle("GET "+one, func(r *request) (object, error) { return r.get(prefix(r)) })
	c.handle("PATCH "+one, func(r *request) (object, error) {
		name := prefix(r)
		before, err := r.get(name)
		if err != nil {
			return nil, err
		}
		r.makes(name)
		after := maps.Clone(before)
		if mask := r.URL.Query().Get("updateMask"); mask == "" && k.keeps != nil {
			maps.DeleteFunc(after, func(field string, _ any) bool { return !slices.Contains(k.keeps, field) })
			maps.Copy(after, r.body)
		} else {
			merge(after, r.body, mask)
		}
		after["name"] = before["name"]
		if err := k.check(r, name, after); err != nil {
			return nil, err
		}
		r.things[name] = after
		return done(r, after), nil
	})
	c.handle("DELETE "+one, func(r *request) (object, error) {
		name := prefix(r)
		if _, err := r.get(name); err != nil {
			return nil, err
		}
		if k.removes != nil {
			if err := k.removes(r, name); err != nil {
				return nil, err
			}
		}
		r.remove(name)
		return done(r, object{}), nil
	})
	if k.policy {
		c.servesPolicy(one, prefix)
	}
}

func (k collection) check(r *request, name string, o object) error {
	if k.made == nil {
		return nil
	}
	return k.made(r, name, o)
}

func (c *cloud) get(name string) (object, error) {
	if o := c.things[name]; o != nil {
		return o, nil
	}
	return nil, notFound(name)
}

// remove takes a thing away with what was below it, and the rights to it.
func (c *cloud) remove(name string) {
	delete(c.things, name)
	maps.DeleteFunc(c.things, func(other string, _ object) bool { return strings.HasPrefix(other, name+"/") })
	maps.DeleteFunc(c.rights, func(right string, _ bool) bool { return strings.HasPrefix(right, name+"/") })
}

// merge takes over the fields of a mask, or all that are said where there is none.
// Some APIs say the mask beside the thing.
func merge(into, said object, mask string) {
	if inner, ok := said["updateMask"].(string); ok {
		mask = inner
		for field, value := range said {
			if o, ok := value.(object); ok && field != "updateMask" {
				said = o
			}
		}
	}
	fields := slices.Collect(maps.Keys(said))
	if mask != "" {
		fields = nil
		for each := range strings.SplitSeq(mask, ",") {
			field, _, _ := strings.Cut(each, ".")
			fields = append(fields, field)
		}
	}
	for _, field := range fields {
		if value, ok := said[field]; ok {
			into[field] = value
		} else {
			delete(into, field)
		}
	}
}

// servesPolicy answers for who may do what to the things that a pattern is the
// path of.
func (c *cloud) servesPolicy(one string, named func(r *request) string) {
	name := func(r *request) string {
		return strings.TrimSuffix(strings.TrimSuffix(named(r), "/:getIamPolicy"), "/:setIamPolicy")
	}
	get := func(r *request) (object, error) {
		if _, err := r.get(name(r)); err != nil {
			return nil, err
		}
		return r.policy(name(r)), nil
	}
	c.handle("GET "+one+"/:getIamPolicy", get)
	c.handle("POST "+one+"/:getIamPolicy", get)
	c.handle("POST "+one+"/:setIamPolicy", func(r *request) (object, error) {
		policy, _ := r.body["policy"].(object)
		return r.setPolicy(name(r), policy)
	})
}

// policy is who may do what to a thing.
func (c *cloud) policy(name string) object {
	byRole := map[string][]any{}
	for _, right := range slices.Sorted(maps.Keys(c.rights)) {
		if rest, ok := strings.CutPrefix(right, name+"/roles/"); ok {
			role, member, _ := strings.Cut(rest, "/")
			byRole["roles/"+role] = append(byRole["roles/"+role], member)
		}
	}
	bindings := []object{}
	for _, role := range slices.Sorted(maps.Keys(byRole)) {
		bindings = append(bindings, object{"role": role, "members": byRole[role]})
	}
	return object{"version": 1, "etag": etag(bindings), "bindings": bindings}
}

func etag(bindings []object) string {
	return fmt.Sprintf("%x", fmt.Sprint(bindings))
}

// setPolicy refuses members that are not there, as Google does, and a policy
// that was read before another one came.
func (r *request) setPolicy(name string, policy object) (object, error) {
	if said := text(policy, "etag"); said != "" && said != text(r.policy(name), "etag") {
		return nil, refuse(http.StatusConflict, "ABORTED", "There were concurrent policy changes.")
	}
	after := map[string]bool{}
	for _, binding := range each(policy["bindings"]) {
		members, _ := binding["members"].([]any)
		for _, member := range members {
			right := name + "/" + text(binding, "role") + "/" + member.(string)
			after[right] = true
			if r.rights[right] {
				continue
			}
			r.makes(right)
			if err := r.need(name, notFound(name)); err != nil {
				return nil, err
			}
			if err := r.needMember(member.(string)); err != nil {
				return nil, err
			}
		}
	}
	maps.DeleteFunc(r.rights, func(right string, _ bool) bool {
		return strings.HasPrefix(right, name+"/roles/") && !after[right]
	})
	maps.Copy(r.rights, after)
	return r.policy(name), nil
}
