"""Why a run goes on where it stopped: loop, snapshots, signals, state, schedules, breakdowns."""
