//! An object store in memory, for tests, which can be told to fail.

use crate::store::{CompletedObject, Completion, ObjectStore, ObjectUpload, UploadedPart};
use async_trait::async_trait;
use bytes::Bytes;
use connect_api::{ConnectError, Result};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A request to the store, as a [`FaultPlan`] sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// [`ObjectStore::create_upload`].
    Create,
    /// [`ObjectUpload::upload_part`].
    Part,
    /// [`ObjectUpload::complete`].
    Complete,
    /// [`ObjectUpload::abort`].
    Abort,
    /// [`ObjectStore::exists`].
    Exists,
    /// [`ObjectStore::label`].
    Label,
}

/// What becomes of a request.
#[derive(Clone, Debug)]
pub enum Fate {
    /// It is done.
    Done,
    /// It is not done, and the caller is told so.
    Refused(ConnectError),
    /// It is done, but the answer is lost.
    AnswerLost(ConnectError),
}

/// Decides about each request; the number counts them from 0.
pub type FaultPlan = Box<dyn FnMut(u64, Request) -> Fate + Send>;

/// The store. Clones share it.
#[derive(Clone, Default)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
    num_requests: Arc<AtomicU64>,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Bytes>,
    uploads: BTreeMap<u64, Upload>,
    next_upload: u64,
    completed: Vec<u64>,
    plan: Option<FaultPlan>,
    min_part_bytes: usize,
    replaces: bool,
    labels: Vec<CompletedObject>,
}

struct Upload {
    key: String,
    parts: BTreeMap<u32, Bytes>,
}

impl MemoryStore {
    /// An empty store that refuses parts below that size, except the last.
    pub fn new(min_part_bytes: usize) -> Self {
        let store = Self::default();
        store.state().min_part_bytes = min_part_bytes;
        store.state().replaces = true;
        store
    }

    /// The same, where no object takes the place of another.
    #[must_use]
    pub fn never_replacing(self) -> Self {
        self.state().replaces = false;
        self
    }

    /// Puts an object there.
    pub fn put(&self, key: &str, content: &'static [u8]) {
        let content = Bytes::from_static(content);
        self.state().objects.insert(key.to_string(), content);
    }

    /// What the sink said about completed objects.
    pub fn labels(&self) -> Vec<CompletedObject> {
        self.state().labels.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces the plan of faults.
    pub fn set_fault_plan(&self, plan: impl FnMut(u64, Request) -> Fate + Send + 'static) {
        self.state().plan = Some(Box::new(plan));
    }

    /// Every object.
    pub fn objects(&self) -> BTreeMap<String, Bytes> {
        self.state().objects.clone()
    }

    /// The keys of uploads that are neither complete nor aborted.
    pub fn open_uploads(&self) -> Vec<String> {
        let state = self.state();
        state
            .uploads
            .values()
            .map(|upload| upload.key.clone())
            .collect()
    }

    /// How many requests were made.
    pub fn num_requests(&self) -> u64 {
        self.num_requests.load(Ordering::Relaxed)
    }

    fn request<T>(
        &self,
        request: Request,
        work: impl FnOnce(&mut State) -> Result<T>,
    ) -> Result<T> {
        let number = self.num_requests.fetch_add(1, Ordering::Relaxed);
        let mut state = self.state();
        let fate = state
            .plan
            .as_mut()
            .map_or(Fate::Done, |plan| plan(number, request));
        match fate {
            Fate::Done => work(&mut state),
            Fate::Refused(error) => Err(error),
            Fate::AnswerLost(error) => work(&mut state).and(Err(error)),
        }
    }
}

#[async_trait]
impl ObjectStore for MemoryStore {
    async fn check(&self) -> Result<()> {
        Ok(())
    }

    async fn create_upload(&self, key: &str) -> Result<Arc<dyn ObjectUpload>> {
        tokio::task::yield_now().await;
        let id = self.request(Request::Create, |state| {
            state.next_upload += 1;
            let id = state.next_upload;
            let (key, parts) = (key.to_string(), BTreeMap::new());
            state.uploads.insert(id, Upload { key, parts });
            Ok(id)
        })?;
        Ok(Arc::new(MemoryUpload {
            store: self.clone(),
            id,
        }))
    }

    async fn exists(&self, key: &str) -> Result<bool> {
        tokio::task::yield_now().await;
        self.request(Request::Exists, |state| Ok(state.objects.contains_key(key)))
    }

    async fn label(&self, object: &CompletedObject) -> Result<()> {
        tokio::task::yield_now().await;
        self.request(Request::Label, |state| {
            state.labels.push(object.clone());
            Ok(())
        })
    }

    fn min_part_bytes(&self) -> usize {
        self.state().min_part_bytes
    }

    fn max_parts(&self) -> u32 {
        10_000
    }
}

struct MemoryUpload {
    store: MemoryStore,
    id: u64,
}

#[async_trait]
impl ObjectUpload for MemoryUpload {
    async fn upload_part(&self, number: u32, data: Bytes) -> Result<UploadedPart> {
        tokio::task::yield_now().await;
        self.store.request(Request::Part, |state| {
            let upload = state
                .uploads
                .get_mut(&self.id)
                .ok_or_else(|| ConnectError::fatal("NoSuchUpload"))?;
            let num_bytes = data.len();
            upload.parts.insert(number, data);
            Ok(UploadedPart {
                number,
                num_bytes,
                tag: format!("{}-{number}", self.id),
            })
        })
    }

    async fn complete(&self, parts: &[UploadedPart]) -> Result<Completion> {
        tokio::task::yield_now().await;
        self.store.request(Request::Complete, |state| {
            if state.completed.contains(&self.id) {
                return Ok(Completion::Done);
            }
            let upload = state
                .uploads
                .get(&self.id)
                .ok_or_else(|| ConnectError::fatal("NoSuchUpload"))?;
            let mut content = Vec::new();
            for (index, part) in parts.iter().enumerate() {
                let data = upload
                    .parts
                    .get(&part.number)
                    .filter(|data| data.len() == part.num_bytes)
                    .ok_or_else(|| ConnectError::fatal("InvalidPart"))?;
                if part.number as usize != index + 1 {
                    return Err(ConnectError::fatal("InvalidPartOrder"));
                }
                if index + 1 < parts.len() && data.len() < state.min_part_bytes {
                    return Err(ConnectError::fatal("EntityTooSmall"));
                }
                content.extend_from_slice(data);
            }
            let key = upload.key.clone();
            if !state.replaces && state.objects.contains_key(&key) {
                return Ok(Completion::NameTaken);
            }
            state.objects.insert(key, content.into());
            state.uploads.remove(&self.id);
            state.completed.push(self.id);
            Ok(Completion::Done)
        })
    }

    async fn abort(&self) -> Result<()> {
        tokio::task::yield_now().await;
        self.store.request(Request::Abort, |state| {
            state.uploads.remove(&self.id);
            Ok(())
        })
    }
}
