//! Records of a source on their way to Kafka, and how far each source partition is acknowledged
//! (`SubmittedRecords`).

use crate::report::ConvertedRecord;
use connect_api::SourceRecord;
use connect_api::data::{Map, Value};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// The source offset of a record; a map is only made of it if it is committed.
#[derive(Clone, Debug)]
pub(super) enum SubmittedOffset {
    Map(Option<Arc<Map>>),
    Int64 { field: Arc<str>, value: i64 },
}

impl SubmittedOffset {
    pub(super) fn into_map(self) -> Option<Arc<Map>> {
        match self {
            Self::Map(map) => map,
            Self::Int64 { field, value } => {
                let mut map = Map::new();
                map.insert(Value::string(&*field), value);
                Some(Arc::new(map))
            }
        }
    }
}

/// Names a submitted record: the queue of its source partition in the upper bits, its number in that
/// queue in the lower ones. The producer carries it as one integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token(pub(super) u64);

const NUMBER_BITS: u32 = 40;

impl Token {
    fn new(queue: usize, number: u64) -> Self {
        Self((queue as u64) << NUMBER_BITS | (number & ((1 << NUMBER_BITS) - 1)))
    }

    fn queue(self) -> usize {
        (self.0 >> NUMBER_BITS) as usize
    }

    fn number(self) -> u64 {
        self.0 & ((1 << NUMBER_BITS) - 1)
    }
}

struct Entry {
    offset: SubmittedOffset,
    acknowledged: bool,
    kept: Kept,
}

/// What is kept of a record until it is acknowledged.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// The record as the task made it, for tasks that want to hear of acknowledgements, and for
    /// reports.
    pub(super) record: Option<Box<SourceRecord>>,
    /// What converters made of it, for reports.
    pub(super) converted: Option<Box<ConvertedRecord>>,
}

struct Queue {
    partition: Option<Arc<Map>>,
    /// The number of the first entry.
    first: u64,
    entries: VecDeque<Entry>,
}

/// For each source partition a queue of its records in the order of sending. Only the acknowledged
/// head of a queue may be committed: what comes after a gap would be lost by a crash.
#[derive(Default)]
pub(super) struct SubmittedRecords {
    queues: Vec<Queue>,
    by_partition: HashMap<String, usize>,
    /// Records come in runs of one partition.
    last: Option<(Option<Arc<Map>>, usize)>,
}

impl SubmittedRecords {
    fn queue_of(&mut self, partition: Option<&Arc<Map>>) -> usize {
        if let Some((last, queue)) = &self.last {
            let same = match (last, partition) {
                (Some(last), Some(partition)) => Arc::ptr_eq(last, partition),
                (None, None) => true,
                _ => false,
            };
            if same {
                return *queue;
            }
        }
        // Equal maps print equally, order included, as the keys of stored offsets do.
        let key = partition.map_or_else(String::new, |partition| format!("{partition:?}"));
        let next = self.queues.len();
        let queue = *self.by_partition.entry(key).or_insert(next);
        if queue == next {
            self.queues.push(Queue {
                partition: partition.cloned(),
                first: 0,
                entries: VecDeque::new(),
            });
        }
        self.last = Some((partition.cloned(), queue));
        queue
    }

    /// Puts a record at the end of the queue of its partition.
    pub(super) fn submit(
        &mut self,
        partition: Option<&Arc<Map>>,
        offset: SubmittedOffset,
        kept: Kept,
    ) -> Token {
        let index = self.queue_of(partition);
        let queue = &mut self.queues[index];
        let number = queue.first + queue.entries.len() as u64;
        queue.entries.push_back(Entry {
            offset,
            acknowledged: false,
            kept,
        });
        Token::new(index, number)
    }

    fn entry(&mut self, token: Token) -> Option<&mut Entry> {
        let queue = self.queues.get_mut(token.queue())?;
        let index = token.number().wrapping_sub(queue.first) & ((1 << NUMBER_BITS) - 1);
        queue.entries.get_mut(usize::try_from(index).ok()?)
    }

    /// Takes what was kept of a record, which counts as sent still.
    pub(super) fn take_kept(&mut self, token: Token) -> Kept {
        self.entry(token)
            .map(|entry| std::mem::take(&mut entry.kept))
            .unwrap_or_default()
    }

    /// Gives the record of a report that is under way back.
    pub(super) fn keep(&mut self, token: Token, record: Option<Box<SourceRecord>>) {
        if let Some(entry) = self.entry(token) {
            entry.kept.record = record;
        }
    }

    /// A record is durable (or was dropped). Returns the record, if it was kept.
    pub(super) fn acknowledge(&mut self, token: Token) -> Option<Box<SourceRecord>> {
        let entry = self.entry(token)?;
        entry.acknowledged = true;
        std::mem::take(&mut entry.kept).record
    }

    /// A record that was submitted last is not sent after all.
    pub(super) fn withdraw(&mut self, token: Token) {
        if let Some(queue) = self.queues.get_mut(token.queue()) {
            queue.entries.pop_back();
        }
    }

    /// For each partition whose head was acknowledged the last offset of that head. The heads are
    /// removed.
    pub(super) fn take_committable(
        &mut self,
        mut commit: impl FnMut(Option<&Arc<Map>>, Option<Arc<Map>>),
    ) {
        for queue in &mut self.queues {
            let mut last = None;
            while queue
                .entries
                .front()
                .is_some_and(|entry| entry.acknowledged)
            {
                last = queue.entries.pop_front();
                queue.first += 1;
            }
            if let Some(entry) = last {
                commit(queue.partition.as_ref(), entry.offset.into_map());
            }
        }
    }

    /// The number of records that are not acknowledged.
    pub(super) fn num_unacknowledged(&self) -> usize {
        self.queues
            .iter()
            .flat_map(|queue| &queue.entries)
            .filter(|entry| !entry.acknowledged)
            .count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition(name: &str) -> Arc<Map> {
        Arc::new([("p", name)].into_iter().collect())
    }

    fn offset(value: i64) -> SubmittedOffset {
        SubmittedOffset::Int64 {
            field: "o".into(),
            value,
        }
    }

    fn committable(submitted: &mut SubmittedRecords) -> Vec<(String, i64)> {
        let mut out = Vec::new();
        submitted.take_committable(|partition, offset| {
            let name = partition.unwrap().get_str("p").unwrap().to_string();
            let value = offset.unwrap().get_str("o").unwrap().as_i64().unwrap();
            out.push((name, value));
        });
        out
    }

    #[test]
    fn a_gap_holds_back_what_comes_after_it() {
        let mut submitted = SubmittedRecords::default();
        let a = partition("a");
        let tokens: Vec<Token> = (1..=3)
            .map(|value| submitted.submit(Some(&a), offset(value), Kept::default()))
            .collect();
        submitted.acknowledge(tokens[1]);
        assert_eq!(committable(&mut submitted), []);
        submitted.acknowledge(tokens[0]);
        assert_eq!(committable(&mut submitted), [("a".to_string(), 2)]);
        assert_eq!(submitted.num_unacknowledged(), 1);
        submitted.acknowledge(tokens[2]);
        assert_eq!(committable(&mut submitted), [("a".to_string(), 3)]);
        assert_eq!(committable(&mut submitted), []);
    }

    #[test]
    fn partitions_do_not_hold_each_other_back() {
        let mut submitted = SubmittedRecords::default();
        let first_a = submitted.submit(Some(&partition("a")), offset(1), Kept::default());
        let only_b = submitted.submit(Some(&partition("b")), offset(7), Kept::default());
        // An equal partition in another allocation is the same partition.
        let second_a = submitted.submit(Some(&partition("a")), offset(2), Kept::default());
        submitted.acknowledge(only_b);
        submitted.acknowledge(second_a);
        assert_eq!(committable(&mut submitted), [("b".to_string(), 7)]);
        submitted.acknowledge(first_a);
        assert_eq!(committable(&mut submitted), [("a".to_string(), 2)]);
    }

    #[test]
    fn a_withdrawn_record_leaves_no_gap() {
        let mut submitted = SubmittedRecords::default();
        let a = partition("a");
        let first = submitted.submit(Some(&a), offset(1), Kept::default());
        let second = submitted.submit(Some(&a), offset(2), Kept::default());
        submitted.withdraw(second);
        submitted.acknowledge(first);
        assert_eq!(committable(&mut submitted), [("a".to_string(), 1)]);
        let again = submitted.submit(Some(&a), offset(2), Kept::default());
        assert_eq!(again, second);
    }
}
