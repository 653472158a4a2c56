// Package facts is what the doctor is told of Postgres and Redis: what is, and no
// opinion of it. It is pure, so that adapters may import it.
package facts

import "time"

// Postgres is a server, as the role that postgres.url names sees it.
type Postgres struct {
	// Version is server_version_num, such as 150014; VersionText is for people.
	Version     int
	VersionText string
	Role        string
	Database    string
	// Schema is where our tables are; "" when the role's search_path leads nowhere.
	Schema   string
	Encoding string
	Standby  bool
	// Pooled: a pooler answers, such as PgBouncer.
	Pooled bool
	// Settings are those that were asked for, as they are in a session of ours.
	Settings map[string]string
	// Ahead is how far its clock is ahead of this machine's, and RoundTrip how long
	// a question took.
	Ahead     time.Duration
	RoundTrip time.Duration
	// Connections are open now, of all clients. A limit of -1 is none.
	Connections   int
	RoleLimit     int
	DatabaseLimit int
	// Replicas are connected, whether commits wait for them or not.
	Replicas int
	// FrozenAge is how many transactions ago the oldest row may be from.
	FrozenAge int64
	MayCreate bool
	Tables    []Table
	// OldestTransaction and OldestPrepared keep vacuum from all that died since,
	// and IdleSlots keep the WAL.
	OldestTransaction time.Duration
	OldestPrepared    time.Duration
	IdleSlots         int
}

// Table is one of ours, or a day of one.
type Table struct {
	Name string
	// Missing: it is not there, or in a schema that this role does not look into.
	Missing bool
	// Owned: this role may change it, as partitions need. Usable: it may read and write it.
	Owned, Usable bool
	// Unvacuumed: autovacuum is told to leave it alone.
	Unvacuumed bool
	Live, Dead int64
}

// Schema is how far the migrations and the partitions are.
type Schema struct {
	// MissingMigration is the oldest one that is not applied, or "".
	MissingMigration string
	// Today: the partitions of today are there. DaysAhead follow them without a gap.
	// None: there is no partition at all.
	Today, None bool
	DaysAhead   int
}

// Fleet is what runs.
type Fleet struct {
	Workers int
	Leads   bool // a scheduler
	// UnreadableSecrets are of endpoints that no key of secrets.key decrypts.
	UnreadableSecrets int
}

// Kind is how a Redis is reached.
type Kind string

// Kinds of Redis.
const (
	Single   Kind = "single"
	Sentinel Kind = "sentinel"
	Cluster  Kind = "cluster"
)

// Redis is the queue's: one server, or the masters of a cluster.
type Redis struct {
	Kind Kind
	// Refused is why a write is not taken, or nil.
	Refused error
	// Ahead is how far this machine's clock is ahead of Redis's, and RoundTrip how
	// long a question took.
	Ahead     time.Duration
	RoundTrip time.Duration
	Servers   []Server
	// Shards is into how many queues each lane is split, and ShardsNeeded the least with
	// which every master of a cluster has some; 0 is unknown.
	Shards, ShardsNeeded int
}

// Server is one Redis server. Hidden: it may not be asked; all else is unknown then.
type Server struct {
	Addr    string
	Hidden  bool
	Version string
	Role    string // master or slave
	Policy  string // maxmemory-policy
	Used    int64  // bytes
	Limit   int64  // 0 is none
	AOF     bool   // every write is in a file
	// Snapshots are made, or were.
	Snapshots bool
	// SaveFailed and AOFFailed: the last one did.
	SaveFailed, AOFFailed bool
	Evicted               int64 // keys
	// Queues are how many of each lane's are on it, on a cluster.
	Queues int
}
