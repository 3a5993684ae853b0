//! Which fault of broken bytes comes first.
//!
//! protobuf-java reads a whole message before anybody looks at its values, and reads messages within it as
//! they come; the plans do both at once, and put off messages that may have more parts. So that an error
//! names the same fault, bytes that could not be read are gone through once more in Java's order.

use super::{Source, wire_type_of};
use crate::plan::{Body, Element, MessagePlan, Shape};
use crate::wire::{MAX_DEPTH, Reader, WireType, too_deep};
use bytes::Bytes;
use connect_api::Result;
use std::ops::Range;

impl<'a> Source<'a> {
    /// The first fault on the wire, if there is one.
    #[cold]
    pub(super) fn check(
        &self,
        plan: &MessagePlan,
        range: Range<usize>,
        depth: usize,
    ) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(too_deep());
        }
        match plan {
            MessagePlan::Struct(_, body) => self.check_body(body, range, depth),
            MessagePlan::Wrapper(scalar) => {
                let buffer: &'a Bytes = self.buffer;
                let mut reader = Reader::new(buffer, range.start, range.end);
                while let Some((number, wire_type)) = reader.tag()? {
                    if number == 1 && wire_type == wire_type_of(&scalar.kind) {
                        self.scalar(&scalar.kind, &mut reader)?;
                    } else {
                        reader.skip(number, wire_type, depth)?;
                    }
                }
                Ok(())
            }
            MessagePlan::Logical(_) | MessagePlan::TooDeep(_) => {
                let buffer: &'a Bytes = self.buffer;
                let mut reader = Reader::new(buffer, range.start, range.end);
                while let Some((number, wire_type)) = reader.tag()? {
                    reader.skip(number, wire_type, depth)?;
                }
                Ok(())
            }
        }
    }

    fn check_body(&self, body: &Body, range: Range<usize>, depth: usize) -> Result<()> {
        let buffer: &'a Bytes = self.buffer;
        let mut reader = Reader::new(buffer, range.start, range.end);
        while let Some((number, wire_type)) = reader.tag()? {
            let shape = body.index.position(number).map(|at| &body.fields[at].shape);
            match shape {
                Some(
                    Shape::Single(Element::Scalar(scalar))
                    | Shape::Repeated(Element::Scalar(scalar)),
                ) if wire_type == wire_type_of(&scalar.kind) => {
                    self.scalar(&scalar.kind, &mut reader)?;
                }
                Some(Shape::Repeated(Element::Scalar(scalar)))
                    if wire_type == WireType::LengthDelimited =>
                {
                    let range = reader.delimited()?;
                    let mut packed = Reader::new(buffer, range.start, range.end);
                    while !packed.is_empty() {
                        self.scalar(&scalar.kind, &mut packed)?;
                    }
                }
                Some(
                    Shape::Single(Element::Message(plan)) | Shape::Repeated(Element::Message(plan)),
                ) if wire_type == WireType::LengthDelimited => {
                    let range = reader.delimited()?;
                    self.check(plan, range, depth + 1)?;
                }
                Some(Shape::Map(entry)) if wire_type == WireType::LengthDelimited => {
                    if depth >= MAX_DEPTH {
                        return Err(too_deep());
                    }
                    let range = reader.delimited()?;
                    self.check_body(entry, range, depth + 1)?;
                }
                _ => reader.skip(number, wire_type, depth)?,
            }
        }
        Ok(())
    }
}
