package apply

import (
	"net/http"
	"path"
	"strconv"
	"strings"
)

const computeURL = "https://www.googleapis.com/compute/v1/"

// servesNetwork answers for networks, their parts, addresses, and the way to
// Google's own network.
func (c *cloud) servesNetwork() {
	const api, parent = "compute.googleapis.com", "/compute/v1/projects/{project}/"
	named := func(r *request) string { return strings.TrimPrefix(r.URL.Path, "/compute/v1/") }
	done := func(r *request, name string) object {
		id := "operation-" + strconv.Itoa(r.next())
		link := computeURL + "projects/" + project + "/global/operations/" + id
		return object{"kind": "compute#operation", "name": id, "status": "DONE", "progress": 100, "targetLink": computeURL + name, "selfLink": link}
	}
	for kind, made := range map[string]func(r *request, name string, o object) error{
		"global/networks":              madeNetwork,
		"global/addresses":             madeAddress,
		"regions/{region}/subnetworks": madeSubnetwork,
	} {
		one := api + parent + kind + "/{id}"
		c.handle("POST "+api+parent+kind, func(r *request) (object, error) {
			name := named(r) + "/" + text(r.body, "name")
			r.makes(name)
			if r.things[name] != nil {
				return nil, refuse(http.StatusConflict, "ALREADY_EXISTS", "The resource '%s' already exists", name)
			}
			o := or(r.body, object{"id": strconv.Itoa(1e9 + r.next()), "selfLink": computeURL + name, "creationTimestamp": "2026-11-23T00:00:00Z"})
			if err := made(r, name, o); err != nil {
				return nil, err
			}
			r.things[name] = o
			return done(r, name), nil
		})
		c.handle("GET "+one, func(r *request) (object, error) { return r.get(named(r)) })
		c.handle("DELETE "+one, func(r *request) (object, error) {
			if _, err := r.get(named(r)); err != nil {
				return nil, err
			}
			if user := r.uses(named(r)); user != "" {
				return nil, refuse(http.StatusBadRequest, "INVALID_ARGUMENT", "The %s resource '%s' is already being used by '%s'", path.Base(path.Dir(named(r))), named(r), user)
			}
			r.remove(named(r))
			return done(r, named(r)), nil
		})
	}
	c.handle("GET "+api+strings.TrimSuffix(parent, "/"), func(*request) (object, error) {
		return object{"name": project, "defaultNetworkTier": "PREMIUM"}, nil
	})
	c.handle("POST "+api+parent+"global/addresses/{id}/setLabels", func(r *request) (object, error) {
		name := strings.TrimSuffix(named(r), "/setLabels")
		address, err := r.get(name)
		if err == nil {
			address["labels"] = r.body["labels"]
		}
		return done(r, name), err
	})
	c.servesPeering()
}

// uses is something that a network or a part of it cannot be removed before.
func (c *cloud) uses(name string) string {
	for other, o := range c.things {
		for _, field := range []string{"network", "subnetwork", "privateNetwork"} {
			if at := text(o, field); at != "" && strings.HasSuffix(at, name) && !strings.Contains(other, "/connections/") {
				return other
			}
		}
	}
	return ""
}

func madeNetwork(_ *request, _ string, o object) error {
	or(o, object{
		"routingConfig": object{"routingMode": "REGIONAL", "bgpBestPathSelectionMode": "LEGACY"}, "networkFirewallPolicyEnforcementOrder": "AFTER_CLASSIC_FIREWALL",
	})
	return nil
}

// needNetwork takes any of the ways in which a network or a part of one is named.
func (r *request) needNetwork(link string) error {
	at := strings.Index(link, "projects/")
	if at < 0 {
		return invalid("Invalid value for field 'network': '%s'. The URL is malformed.", link)
	}
	return r.need(link[at:], notFound(link[at:]))
}

func madeSubnetwork(r *request, _ string, o object) error {
	if err := r.needNetwork(text(o, "network")); err != nil {
		return err
	}
	or(o, object{
		"region": computeURL + "projects/" + project + "/regions/" + r.PathValue("region"), "gatewayAddress": "10.8.0.1", "purpose": "PRIVATE",
		"privateIpv6GoogleAccess": "DISABLE_GOOGLE_ACCESS", "stackType": "IPV4_ONLY", "fingerprint": "AAAA",
	})
	return nil
}

func madeAddress(r *request, _ string, o object) error {
	if text(o, "purpose") == "VPC_PEERING" {
		if err := r.needNetwork(text(o, "network")); err != nil {
			return err
		}
	}
	or(o, object{"address": "10.24.16.0", "addressType": "EXTERNAL", "status": "RESERVED", "labelFingerprint": "AAAA"})
	if text(o, "addressType") == "EXTERNAL" {
		o["address"] = "203.0.113.7"
	}
	return nil
}

// servesPeering answers for the way to Google's own network, in which databases
// have their addresses. Networks are named by the project's number there.
func (c *cloud) servesPeering() {
	const connections = "servicenetworking.googleapis.com/v1/services/{service}/connections"
	byID := func(network string) string { return strings.Replace(network, number, project, 1) }
	c.handle("POST "+connections, func(r *request) (object, error) {
		network := byID(text(r.body, "network"))
		name := network + "/connections/" + r.PathValue("service")
		r.makes(name)
		if err := r.needNetwork(network); err != nil {
			return nil, err
		}
		ranges, _ := r.body["reservedPeeringRanges"].([]any)
		for _, each := range ranges {
			if err := r.need("projects/"+project+"/global/addresses/"+each.(string), invalid("Failed to find the allocated range %s.", each)); err != nil {
				return nil, err
			}
		}
		r.things[name] = or(r.body, object{"peering": "servicenetworking-googleapis-com", "service": "services/" + r.PathValue("service")})
		return object{"name": "operations/pssn." + strconv.Itoa(r.next()), "done": true, "response": r.things[name]}, nil
	})
	c.handle("GET "+connections, func(r *request) (object, error) {
		return r.list("connections", byID(r.URL.Query().Get("network"))+"/connections/"), nil
	})
}
