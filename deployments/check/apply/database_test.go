package apply

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const sqlAPI = "sqladmin.googleapis.com/sql/v1beta4/projects/{project}/instances"

// sqlName is by what Terraform calls a thing of Cloud SQL's.
func sqlName(r *request) string { return strings.TrimPrefix(r.URL.Path, "/sql/v1beta4/") }

func sqlDone(r *request) object {
	return object{"kind": "sql#operation", "name": "op-" + strconv.Itoa(r.next()), "status": "DONE", "targetProject": project, "operationType": "UPDATE"}
}

// servesDatabase answers for Cloud SQL's instances and the databases in them.
func (c *cloud) servesDatabase() {
	c.handle("POST "+sqlAPI, func(r *request) (object, error) {
		name := sqlName(r) + "/" + text(r.body, "name")
		r.makes(name)
		if r.things[name] != nil {
			return nil, refuse(http.StatusConflict, "ALREADY_EXISTS", "The Cloud SQL instance already exists.")
		}
		if err := madeInstance(r, r.body); err != nil {
			return nil, err
		}
		r.things[name] = r.body
		r.things[name+"/users/root"] = object{"name": "root", "host": "%", "instance": text(r.body, "name"), "project": project, "type": "BUILT_IN"}
		return sqlDone(r), nil
	})
	c.handle("GET "+sqlAPI+"/{id}", func(r *request) (object, error) { return r.get(sqlName(r)) })
	c.handle("PUT "+sqlAPI+"/{id}", func(r *request) (object, error) {
		before, err := r.get(sqlName(r))
		if err != nil {
			return nil, err
		}
		r.makes(sqlName(r))
		r.things[sqlName(r)] = or(r.body, object{"name": before["name"], "region": before["region"], "databaseVersion": before["databaseVersion"]})
		return sqlDone(r), madeInstance(r, r.body)
	})
	c.handle("DELETE "+sqlAPI+"/{id}", func(r *request) (object, error) {
		instance, err := r.get(sqlName(r))
		if err != nil {
			return nil, err
		}
		if kept, _ := at(instance, "settings", "deletionProtectionEnabled").(bool); kept {
			return nil, invalid("The instance is protected. Please disable the deletion protection and try again.")
		}
		r.remove(sqlName(r))
		return sqlDone(r), nil
	})

	databases := sqlAPI + "/{instance}/databases"
	c.handle("POST "+databases, func(r *request) (object, error) {
		name := sqlName(r) + "/" + text(r.body, "name")
		r.makes(name)
		if err := r.needInstance(); err != nil {
			return nil, err
		}
		r.things[name] = or(r.body, object{"selfLink": "https://sqladmin.googleapis.com/sql/v1beta4/" + name})
		return sqlDone(r), nil
	})
	c.handle("GET "+databases+"/{id}", func(r *request) (object, error) { return r.get(sqlName(r)) })
	c.handle("DELETE "+databases+"/{id}", func(r *request) (object, error) {
		r.remove(sqlName(r))
		return sqlDone(r), nil
	})
}

func (r *request) needInstance() error {
	name := "projects/" + project + "/instances/" + r.PathValue("instance")
	return r.need(name, notFound(name))
}

func madeInstance(r *request, o object) error {
	address, _ := at(o, "settings", "ipConfiguration").(object)
	network := text(address, "privateNetwork")
	if err := r.needNetwork(network); err != nil {
		return err
	}
	if err := r.need(network+"/connections/servicenetworking.googleapis.com", invalid("Failed to create subnetwork. Couldn't find Service Networking connection of %s.", network)); err != nil {
		return err
	}
	name := text(o, "name")
	or(o, object{
		"kind": "sql#instance", "state": "RUNNABLE", "project": project, "instanceType": "CLOUD_SQL_INSTANCE", "backendType": "SECOND_GEN",
		"connectionName": project + ":" + text(o, "region") + ":" + name, "selfLink": "https://sqladmin.googleapis.com/sql/v1beta4/projects/" + project + "/instances/" + name,
		"ipAddresses": []any{object{"type": "PRIVATE", "ipAddress": "10.24.16.3"}}, "serviceAccountEmailAddress": "p" + number + "-x@gcp-sa-cloud-sql.iam.gserviceaccount.com",
		"databaseInstalledVersion": "MYSQL_8_4_6", "maintenanceVersion": "MYSQL_8_4_6.R20260101.00_00",
		"settings": object{
			"settingsVersion": "1", "activationPolicy": "ALWAYS", "pricingPlan": "PER_USE", "connectorEnforcement": "NOT_REQUIRED", "replicationType": "SYNCHRONOUS",
			"storageAutoResize": true, "storageAutoResizeLimit": "0", "locationPreference": object{"zone": region + "-a", "kind": "sql#locationPreference"},
			"backupConfiguration": object{"kind": "sql#backupConfiguration", "backupTier": "STANDARD", "transactionalLogStorageState": "CLOUD_STORAGE"},
		},
	})
	return nil
}

var roleMade = regexp.MustCompile(`CREATE ROLE IF NOT EXISTS '(\w+)'`)

// servesDatabaseUsers answers for who may sign in, and for the script that says
// what they may do, which an administrator sends.
func (c *cloud) servesDatabaseUsers() {
	c.handle("POST "+sqlAPI+"/{instance}/users", func(r *request) (object, error) {
		full := text(r.body, "name")
		id, domain, _ := strings.Cut(full, "@")
		name := sqlName(r) + "/" + id
		r.makes(name)
		if err := r.needInstance(); err != nil {
			return nil, err
		}
		if text(r.body, "type") == "CLOUD_IAM_SERVICE_ACCOUNT" && strings.HasPrefix(domain, project+".") {
			if err := r.need(account(full), invalid("Invalid request: User %s does not exist.", full)); err != nil {
				return nil, err
			}
		}
		roles, _ := r.body["databaseRoles"].([]any)
		for _, role := range roles {
			if role == "cloudsqlsuperuser" {
				continue
			}
			if err := r.need(sqlRole(r, role.(string)), invalid("Invalid request: Role %s does not exist.", role)); err != nil {
				return nil, err
			}
		}
		delete(r.body, "password")
		r.things[name] = or(r.body, object{"host": "%", "instance": r.PathValue("instance"), "project": project, "type": "BUILT_IN"})
		if domain != "" {
			r.body["name"], r.body["iamEmail"] = id, full
		}
		return sqlDone(r), nil
	})
	c.handle("GET "+sqlAPI+"/{instance}/users", func(r *request) (object, error) {
		if err := r.needInstance(); err != nil {
			return nil, err
		}
		return r.list("items", sqlName(r)+"/"), nil
	})
	c.handle("DELETE "+sqlAPI+"/{instance}/users", func(r *request) (object, error) {
		r.remove(sqlName(r) + "/" + r.URL.Query().Get("name"))
		return sqlDone(r), nil
	})
	c.handle("POST "+sqlAPI+"/{instance}/executeSql", func(r *request) (object, error) {
		instance := "projects/" + project + "/instances/" + r.PathValue("instance")
		r.makes(instance + "/script")
		if err := r.needInstance(); err != nil {
			return nil, err
		}
		if text(r.things[instance], "settings", "dataApiAccess") != "ALLOW_DATA_API" {
			return nil, invalid("The Data API is not enabled for this instance.")
		}
		admin, _, _ := strings.Cut(person, "@")
		if err := r.need(instance+"/users/"+admin, invalid("Access denied for user '%s'", admin)); err != nil {
			return nil, err
		}
		if roles, _ := r.things[instance+"/users/"+admin]["databaseRoles"].([]any); !slices.Contains(roles, "cloudsqlsuperuser") {
			return nil, invalid("Access denied for user '%s': CREATE ROLE needs a superuser", admin)
		}
		script := text(r.body, "sqlStatement")
		for _, database := range []string{"catalog", "web"} {
			if strings.Contains(script, " "+database+".") {
				if err := r.need(instance+"/databases/"+database, invalid("Unknown database '%s'", database)); err != nil {
					return nil, err
				}
			}
		}
		for _, role := range roleMade.FindAllStringSubmatch(script, -1) {
			r.things[sqlRole(r, role[1])] = object{"name": role[1]}
		}
		r.things[instance+"/script"] = object{"script": script}
		return object{"messages": []any{}}, nil
	})
}

func sqlRole(r *request, role string) string {
	return "projects/" + project + "/instances/" + r.PathValue("instance") + "/roles_of_mysql/" + role
}
