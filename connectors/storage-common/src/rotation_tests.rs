use super::*;

fn settings() -> RotationSettings {
    RotationSettings {
        tombstone_partition: None,
        flush_size: 1000,
        rotate_interval_ms: None,
        rotate_on_partition_change: true,
        schedule: None,
    }
}

fn schedule(interval_ms: i64, zone: &str) -> RotationSchedule {
    RotationSchedule {
        interval_ms,
        time_zone: TimeZone::for_id(zone).unwrap(),
    }
}

fn rotation(settings: RotationSettings) -> Rotation {
    Rotation::new(Arc::new(settings), 0)
}

fn partition(name: &str) -> Arc<str> {
    Arc::from(name)
}

/// Writes a record as the writer does; returns the causes before and after it.
fn write(
    rotation: &mut Rotation,
    encoded: &Arc<str>,
    timestamp_ms: Option<i64>,
    now_ms: i64,
) -> (Option<RotationCause>, Option<RotationCause>) {
    let before = rotation.before_record(encoded, timestamp_ms, now_ms);
    if before.is_some() {
        rotation.rotated();
        assert_eq!(rotation.before_record(encoded, timestamp_ms, now_ms), None);
    }
    let after = rotation.record_written(encoded);
    if after.is_some() {
        rotation.rotated();
    }
    (before, after)
}

#[test]
fn flush_size_counts_over_all_files_and_includes_the_record() {
    let mut rotation = rotation(RotationSettings {
        flush_size: 3,
        ..settings()
    });
    let (a, b) = (partition("a"), partition("b"));
    for _ in 0..2 {
        assert_eq!(write(&mut rotation, &a, None, 0), (None, None));
        assert_eq!(write(&mut rotation, &b, None, 0), (None, None));
        assert_eq!(
            write(&mut rotation, &a, None, 0),
            (None, Some(RotationCause::FlushSize))
        );
        assert_eq!(rotation.num_records(), 0);
    }
}

#[test]
fn flush_size_below_one_commits_every_record() {
    for flush_size in [0, -1, 1] {
        let mut rotation = rotation(RotationSettings {
            flush_size,
            ..settings()
        });
        let a = partition("a");
        assert_eq!(
            write(&mut rotation, &a, None, 0),
            (None, Some(RotationCause::FlushSize))
        );
    }
}

#[test]
fn the_interval_counts_from_the_first_record_and_the_rotating_record_starts_anew() {
    let mut rotation = rotation(RotationSettings {
        rotate_interval_ms: Some(100),
        ..settings()
    });
    let a = partition("a");
    assert_eq!(write(&mut rotation, &a, Some(1000), 0), (None, None));
    assert_eq!(write(&mut rotation, &a, Some(1099), 0), (None, None));
    // Late data does not rotate.
    assert_eq!(write(&mut rotation, &a, Some(5), 0), (None, None));
    assert_eq!(
        write(&mut rotation, &a, Some(1100), 0),
        (Some(RotationCause::Interval), None)
    );
    assert_eq!(write(&mut rotation, &a, Some(1199), 0), (None, None));
    assert_eq!(
        write(&mut rotation, &a, Some(1200), 0),
        (Some(RotationCause::Interval), None)
    );
}

#[test]
fn the_interval_needs_a_record_to_fire() {
    let mut rotation = rotation(RotationSettings {
        rotate_interval_ms: Some(100),
        ..settings()
    });
    write(&mut rotation, &partition("a"), Some(0), 0);
    assert_eq!(rotation.idle(i64::MAX - 1), None);
    assert_eq!(rotation.next_scheduled_ms(), None);
}

#[test]
fn another_partition_rotates_beside_the_interval_only() {
    let (a, b) = (partition("a"), partition("b"));
    let mut with_interval = rotation(RotationSettings {
        rotate_interval_ms: Some(1000),
        ..settings()
    });
    write(&mut with_interval, &a, Some(0), 0);
    assert_eq!(
        write(&mut with_interval, &b, Some(1), 0),
        (Some(RotationCause::PartitionChange), None)
    );
    // The same name in another allocation is the same partition.
    assert_eq!(
        write(&mut with_interval, &partition("b"), Some(2), 0),
        (None, None)
    );

    let mut switched_off = rotation(RotationSettings {
        rotate_interval_ms: Some(1000),
        rotate_on_partition_change: false,
        ..settings()
    });
    write(&mut switched_off, &a, Some(0), 0);
    assert_eq!(write(&mut switched_off, &b, Some(1), 0), (None, None));

    let mut without_interval = rotation(settings());
    write(&mut without_interval, &a, Some(0), 0);
    assert_eq!(write(&mut without_interval, &b, Some(1), 0), (None, None));
}

#[test]
fn the_schedule_fires_when_idle_and_an_expired_boundary_without_records_moves_on() {
    let mut rotation = rotation(RotationSettings {
        schedule: Some(schedule(60_000, "UTC")),
        ..settings()
    });
    let a = partition("a");
    assert_eq!(rotation.idle(60_000), None);
    assert_eq!(write(&mut rotation, &a, None, 61_000), (None, None));
    assert_eq!(rotation.next_scheduled_ms(), Some(120_000));
    assert_eq!(rotation.idle(119_999), None);
    assert_eq!(rotation.idle(120_000), Some(RotationCause::Schedule));
    rotation.rotated();
    assert_eq!(rotation.next_scheduled_ms(), None);
    // The first record after a long silence does not rotate at a boundary of the past.
    assert_eq!(write(&mut rotation, &a, None, 1_000_000), (None, None));
    assert_eq!(write(&mut rotation, &a, None, 1_010_000), (None, None));
    assert_eq!(
        write(&mut rotation, &a, None, 1_020_000),
        (Some(RotationCause::Schedule), None)
    );
}

#[test]
fn boundaries_start_at_midnight_of_the_zone_and_midnight_is_one() {
    const HOUR: i64 = 3_600_000;
    let seven_hours = schedule(7 * HOUR, "UTC");
    assert_eq!(seven_hours.next_after(0), 7 * HOUR);
    assert_eq!(seven_hours.next_after(7 * HOUR), 14 * HOUR);
    assert_eq!(seven_hours.next_after(21 * HOUR + 1), 24 * HOUR);
    assert_eq!(schedule(100 * HOUR, "UTC").next_after(5), 24 * HOUR);
    // 2024-03-10 in New York begins at 05:00 UTC and has 23 hours.
    let start = 1_710_046_800_000;
    let new_york = schedule(12 * HOUR, "America/New_York");
    assert_eq!(new_york.next_after(start), start + 12 * HOUR);
    assert_eq!(new_york.next_after(start + 12 * HOUR), start + 23 * HOUR);
}

#[test]
fn time_rotation_moves_the_schedule_on() {
    let mut rotation = rotation(RotationSettings {
        rotate_interval_ms: Some(10),
        schedule: Some(schedule(60_000, "UTC")),
        ..settings()
    });
    let a = partition("a");
    write(&mut rotation, &a, Some(0), 59_000);
    assert_eq!(
        write(&mut rotation, &a, Some(10), 60_500),
        (Some(RotationCause::Interval), None)
    );
    assert_eq!(rotation.next_scheduled_ms(), Some(120_000));
}
