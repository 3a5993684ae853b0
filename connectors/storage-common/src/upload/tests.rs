use super::*;
use crate::memory::{Fate, MemoryStore, Request};
use connect_api::SystemClock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

fn context(store: &MemoryStore, part_bytes: usize) -> Arc<UploadContext> {
    Arc::new(UploadContext {
        store: Arc::new(store.clone()),
        settings: UploadSettings {
            part_bytes,
            compression: Compression::None,
            retry: RetryPolicy {
                max_retries: 1,
                backoff: Duration::from_millis(1),
                max_backoff: Duration::from_millis(1),
            },
        },
        limits: UploadLimits::new(part_bytes),
        clock: Arc::new(SystemClock::new(|duration| {
            Box::pin(tokio::time::sleep(duration))
        })),
    })
}

async fn send(context: &UploadContext, uploader: &ObjectUploader, data: &[u8]) {
    let permit = context.limits.take_chunk(data.len()).await.unwrap();
    uploader.send(data.to_vec(), permit);
}

#[tokio::test(start_paused = true)]
async fn an_empty_object_has_one_part_and_nothing_is_asked_before_there_is_data() {
    let store = MemoryStore::new(0);
    let context = context(&store, 10);
    let uploader = ObjectUploader::start(context.clone(), "empty".into(), |_| {});
    tokio::task::yield_now().await;
    assert_eq!(store.num_requests(), 0);
    uploader.finish();
    assert_eq!(uploader.complete().await.unwrap(), Completion::Done);
    assert_eq!(store.objects()["empty"].len(), 0);
    uploader.abort().await;
    assert_eq!(store.objects().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_is_given_up_leaves_nothing_behind() {
    let store = MemoryStore::new(0);
    let context = context(&store, 10);
    let uploader = ObjectUploader::start(context.clone(), "given up".into(), |_| {});
    send(&context, &uploader, b"0123456789").await;
    uploader.finish();
    uploader.abort().await;
    assert!(store.objects().is_empty() && store.open_uploads().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_once_and_frees_what_waits() {
    let store = MemoryStore::new(0);
    store.set_fault_plan(|_, request| match request {
        Request::Part => Fate::Refused(ConnectError::retriable("SlowDown")),
        _ => Fate::Done,
    });
    let context = context(&store, 16 << 20);
    let num_failures = Arc::new(AtomicUsize::new(0));
    let counter = num_failures.clone();
    let uploader = ObjectUploader::start(context.clone(), "failed".into(), move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    // Each takes all that may be on its way: the next one waits until the one before is let go.
    for _ in 0..4 {
        send(&context, &uploader, &vec![0; 16 << 20]).await;
    }
    uploader.finish();
    let error = uploader.complete().await.unwrap_err();
    assert!(error.is_retriable());
    assert_eq!(error.message(), "Part upload failed: SlowDown");
    assert_eq!(num_failures.load(Ordering::Relaxed), 1);
    assert!(store.open_uploads().is_empty());
    uploader.abort().await;
}
