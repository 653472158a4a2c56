package postgres

import "context"

// BuildDayIndexes is that step of Up; then it tells the lock_timeout of the migrations that follow.
func (m *Migrator) BuildDayIndexes(ctx context.Context) (lockTimeout string, err error) {
	m.db.SetMaxOpenConns(1)
	if err := m.buildDayIndexes(ctx); err != nil {
		return "", err
	}
	err = m.db.QueryRowContext(ctx, "SHOW lock_timeout").Scan(&lockTimeout)
	return lockTimeout, err
}
