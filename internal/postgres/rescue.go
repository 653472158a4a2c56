package postgres

import (
	"context"
	"fmt"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// Heartbeats is when each worker gave its last sign of life, as a number that
// grows, by the task that it holds deliveries as ("w_" and its id).
func (s *Audit) Heartbeats(ctx context.Context) (map[string]int64, error) {
	rows, err := s.db.q.WorkerHeartbeats(ctx)
	if err != nil {
		return nil, fmt.Errorf("read workers' heartbeats: %w", available(err))
	}
	out := make(map[string]int64, len(rows))
	for _, r := range rows {
		out[webhook.WorkerTaskPrefix+r.ID] = r.HeartbeatAt.Time.UnixMicro()
	}
	return out, nil
}

// HeldBy returns up to limit of the deliveries that these tasks of workers hold,
// by task: of the members only DeliveryID and WorkspaceID are set.
func (s *Audit) HeldBy(ctx context.Context, tasks []string, limit int) ([]webhook.Chunk, error) {
	rows, err := s.db.q.HeldByWorkers(ctx, dbsqlc.HeldByWorkersParams{Tasks: tasks, N: int32(limit)})
	if err != nil {
		return nil, fmt.Errorf("read deliveries held by %d workers: %w", len(tasks), available(err))
	}
	byTask := make(map[string][]webhook.Member)
	for _, r := range rows {
		byTask[r.Task] = append(byTask[r.Task], webhook.Member{DeliveryID: r.ID.Bytes, WorkspaceID: webhook.WorkspaceID(r.WorkspaceID)})
	}
	held := make([]webhook.Chunk, 0, len(byTask))
	for task, members := range byTask {
		held = append(held, webhook.Chunk{Task: task, Members: members})
	}
	return held, nil
}
