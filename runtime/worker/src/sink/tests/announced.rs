//! Converters that want to know of records before they convert them.

use super::{Setup, append, partition, start_as, takes};
use crate::testing::announcing_chain;
use crate::tolerance::ErrorPolicy;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn converters_hear_of_a_record_again_before_each_retry() {
    for num_failures in [0, 4] {
        let fixture = start_as(Setup {
            chain: announcing_chain(num_failures),
            error_policy: ErrorPolicy {
                retry_timeout: Some(Duration::from_secs(60)),
                ..ErrorPolicy::default()
            },
            ..Setup::default()
        });
        fixture.consumer.assign(&[partition(0)]);
        append(&fixture, 0, &["a", "b"]);
        takes(&fixture, &["a", "b"]).await;
        fixture.handle.stop();
        fixture.handle.ended().await;
    }
}
