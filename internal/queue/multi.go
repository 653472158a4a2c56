package queue

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// parseMulti reads URLs that name several hosts, which net/url refuses to.
func parseMulti(raw, scheme string) (*redis.UniversalOptions, bool, error) {
	rest, query, _ := strings.Cut(strings.TrimPrefix(raw, scheme+"://"), "?")
	hosts, path, _ := strings.Cut(rest, "/")
	if strings.Contains(path+query, "@") {
		return nil, false, errUnescaped
	}
	o := &redis.UniversalOptions{}
	if at := strings.LastIndexByte(hosts, '@'); at >= 0 {
		u, err := url.Parse("redis://" + hosts[:at+1] + "host")
		if err != nil || u.Host != "host" {
			return nil, false, errUnescaped
		}
		o.Username = u.User.Username()
		o.Password, _ = u.User.Password()
		hosts = hosts[at+1:]
	}
	cluster := scheme == "redis+cluster"
	if err := addHosts(o, hosts, cluster); err != nil {
		return nil, false, err
	}
	if err := addParams(o, query, cluster); err != nil {
		return nil, false, err
	}
	if cluster {
		if path != "" && path != "0" {
			return nil, false, errors.New("a cluster has one database only, and nothing after its hosts")
		}
		return o, true, nil
	}
	return o, false, addMaster(o, path)
}

func addHosts(o *redis.UniversalOptions, hosts string, cluster bool) error {
	port := "26379"
	if cluster {
		port = "6379"
	}
	for host := range strings.SplitSeq(hosts, ",") {
		name, given, err := net.SplitHostPort(host)
		if err != nil {
			name, given = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"), port
		}
		// What is wrong with it is not shown: it may be a user and a password.
		_, err = strconv.ParseUint(given, 10, 16)
		if err != nil || name == "" || strings.ContainsAny(name, "[]# ") || strings.Contains(name, ":") && net.ParseIP(name) == nil {
			return errors.New("its hosts can't be read: host, host:port or [address]:port, with commas between them")
		}
		o.Addrs = append(o.Addrs, net.JoinHostPort(name, given))
	}
	return nil
}

// addParams refuses what it does not know: a typo in tls would send the password
// in the clear.
func addParams(o *redis.UniversalOptions, query string, cluster bool) error {
	params, err := url.ParseQuery(query)
	if err != nil {
		return errors.New("the part after ? can't be read")
	}
	known := []string{"tls"}
	if !cluster {
		known = append(known, "sentinel_username", "sentinel_password")
	}
	for name := range params {
		if !slices.Contains(known, name) {
			return fmt.Errorf("the part after ? has something else than %s", strings.Join(known, ", "))
		}
	}
	switch params.Get("tls") {
	case "", "false":
	case "true":
		o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	default:
		return errors.New("tls is true or false")
	}
	o.SentinelUsername, o.SentinelPassword = params.Get("sentinel_username"), params.Get("sentinel_password")
	return nil
}

func addMaster(o *redis.UniversalOptions, path string) (err error) {
	master, db, _ := strings.Cut(path, "/")
	if master == "" {
		return errors.New("redis+sentinel needs the master's name: redis+sentinel://host,host/name/db")
	}
	o.MasterName = master
	if db == "" {
		return nil
	}
	if o.DB, err = strconv.Atoi(db); err != nil || o.DB < 0 {
		return fmt.Errorf("%q is not a database number", db)
	}
	return nil
}
