//! What every object store must do, as checks that tests run on each implementation.

use crate::store::{Completion, ObjectStore, UploadedPart};
use async_trait::async_trait;
use bytes::Bytes;
use connect_api::Result;
use std::sync::Arc;

/// A look into the store that does not go through the code under test.
#[async_trait]
pub trait StoreProbe: Send + Sync {
    /// The content of an object.
    async fn object(&self, key: &str) -> Option<Vec<u8>>;

    /// The keys of uploads that are neither complete nor aborted.
    async fn open_uploads(&self) -> Vec<String>;
}

/// Runs every check; panics where one fails.
pub async fn check_object_store(store: Arc<dyn ObjectStore>, probe: &dyn StoreProbe) {
    store.check().await.expect("the store is there");
    an_object_appears_when_it_is_complete(&*store, probe).await;
    parts_make_the_object_in_the_order_of_their_numbers(&*store, probe).await;
    a_part_that_comes_again_replaces_the_first(&*store, probe).await;
    an_abort_leaves_nothing_behind(&*store, probe).await;
    a_new_object_takes_the_place_of_the_old_one(&*store, probe).await;
    completing_again_changes_nothing(&*store, probe).await;
    keys_may_hold_anything(&*store, probe).await;
    what_exists_is_known(&*store).await;
    assert_eq!(probe.open_uploads().await, Vec::<String>::new());
}

async fn put(store: &dyn ObjectStore, key: &str, content: &[u8]) -> Result<()> {
    let upload = store.create_upload(key).await?;
    let part = upload
        .upload_part(1, Bytes::copy_from_slice(content))
        .await?;
    assert_eq!((part.number, part.num_bytes), (1, content.len()));
    let completion = upload.complete(&[part]).await?;
    assert_eq!(completion, Completion::Done);
    Ok(())
}

fn done(completion: Result<Completion>) {
    assert_eq!(completion.expect("the object is made"), Completion::Done);
}

/// The checks for a store that was told never to replace an object.
pub async fn check_store_that_never_replaces(store: Arc<dyn ObjectStore>, probe: &dyn StoreProbe) {
    let key = "suite/taken";
    put(&*store, key, b"first").await.expect("the name is free");
    let upload = store.create_upload(key).await.expect("an upload begins");
    let part = upload
        .upload_part(1, Bytes::from_static(b"second"))
        .await
        .expect("a part is taken");
    let completion = upload.complete(&[part]).await.expect("it is told apart");
    assert_eq!(completion, Completion::NameTaken);
    upload.abort().await.expect("the upload is aborted");
    assert_eq!(probe.object(key).await.as_deref(), Some(&b"first"[..]));
    assert_eq!(probe.open_uploads().await, Vec::<String>::new());
}

async fn what_exists_is_known(store: &dyn ObjectStore) {
    let key = "suite/known";
    assert!(!store.exists(key).await.expect("the store answers"));
    put(store, key, b"x").await.expect("an object is made");
    assert!(store.exists(key).await.expect("the store answers"));
}

async fn an_object_appears_when_it_is_complete(store: &dyn ObjectStore, probe: &dyn StoreProbe) {
    let key = "suite/appears";
    let upload = store.create_upload(key).await.expect("an upload begins");
    let part = upload
        .upload_part(1, Bytes::from_static(b"content"))
        .await
        .expect("a part is taken");
    assert_eq!(probe.object(key).await, None);
    assert_eq!(probe.open_uploads().await, [key]);
    done(upload.complete(&[part]).await);
    assert_eq!(probe.object(key).await.as_deref(), Some(&b"content"[..]));
    upload
        .abort()
        .await
        .expect("an abort after the end is no error");
    assert_eq!(probe.object(key).await.as_deref(), Some(&b"content"[..]));
}

async fn parts_make_the_object_in_the_order_of_their_numbers(
    store: &dyn ObjectStore,
    probe: &dyn StoreProbe,
) {
    let key = "suite/parts";
    let upload = store.create_upload(key).await.expect("an upload begins");
    let part_bytes = store.min_part_bytes();
    let contents = [
        vec![b'a'; part_bytes],
        vec![b'b'; part_bytes + 1],
        vec![b'c'; 3],
    ];
    let second = upload.upload_part(2, contents[1].clone().into());
    let third = upload.upload_part(3, contents[2].clone().into());
    let (second, third) = futures::future::join(second, third).await;
    let first = upload.upload_part(1, contents[0].clone().into()).await;
    let parts: Vec<UploadedPart> = [first, second, third]
        .into_iter()
        .collect::<Result<_>>()
        .expect("parts are taken in any order");
    done(upload.complete(&parts).await);
    assert!(
        probe.object(key).await == Some(contents.concat()),
        "the content differs"
    );
}

async fn a_part_that_comes_again_replaces_the_first(
    store: &dyn ObjectStore,
    probe: &dyn StoreProbe,
) {
    let key = "suite/again";
    let upload = store.create_upload(key).await.expect("an upload begins");
    for _ in 0..2 {
        upload
            .upload_part(1, Bytes::from_static(b"lost answer"))
            .await
            .expect("a part is taken");
    }
    let part = upload
        .upload_part(1, Bytes::from_static(b"last"))
        .await
        .expect("a part is taken");
    done(upload.complete(&[part]).await);
    assert_eq!(probe.object(key).await.as_deref(), Some(&b"last"[..]));
}

async fn an_abort_leaves_nothing_behind(store: &dyn ObjectStore, probe: &dyn StoreProbe) {
    let key = "suite/aborted";
    let upload = store.create_upload(key).await.expect("an upload begins");
    upload
        .upload_part(1, Bytes::from_static(b"x"))
        .await
        .expect("a part is taken");
    upload.abort().await.expect("an upload is aborted");
    upload.abort().await.expect("a second abort is no error");
    assert_eq!(probe.object(key).await, None);
    assert_eq!(probe.open_uploads().await, Vec::<String>::new());
}

async fn a_new_object_takes_the_place_of_the_old_one(
    store: &dyn ObjectStore,
    probe: &dyn StoreProbe,
) {
    let key = "suite/replaced";
    for content in [&b"first and longer"[..], b"second", b""] {
        put(store, key, content).await.expect("an object is made");
        assert_eq!(probe.object(key).await.as_deref(), Some(content));
    }
}

async fn completing_again_changes_nothing(store: &dyn ObjectStore, probe: &dyn StoreProbe) {
    let key = "suite/twice";
    let upload = store.create_upload(key).await.expect("an upload begins");
    let part = upload
        .upload_part(1, Bytes::from_static(b"once"))
        .await
        .expect("a part is taken");
    done(upload.complete(std::slice::from_ref(&part)).await);
    // As after an answer that was lost.
    done(upload.complete(&[part]).await);
    assert_eq!(probe.object(key).await.as_deref(), Some(&b"once"[..]));
}

async fn keys_may_hold_anything(store: &dyn ObjectStore, probe: &dyn StoreProbe) {
    for key in [
        "topics/a b/partition=0/a b+0+0000000000.json",
        "topics/ü/year=2024/%41&?#/ü+0+1.bin",
    ] {
        put(store, key, key.as_bytes())
            .await
            .expect("an object is made");
        assert_eq!(probe.object(key).await.as_deref(), Some(key.as_bytes()));
    }
}
