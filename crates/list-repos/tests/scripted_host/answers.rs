//! Answers of a scripted host.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::body::{Body, Frame};
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Response, StatusCode};

/// What a host says to a request.
#[derive(Clone)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    pieces: Pieces,
}

/// A body, piece by piece.
#[derive(Clone)]
pub(crate) struct Pieces {
    left: VecDeque<Bytes>,
    end: End,
}

/// How a body ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Well,
    /// The connection is cut.
    Cut,
    /// Nothing more comes.
    Never,
    /// The last piece comes again and again.
    Repeats,
}

impl Answer {
    pub(crate) fn json(body: impl Into<String>) -> Self {
        Self::status(200, body.into())
    }

    pub(crate) fn status(status: u16, body: impl Into<Bytes>) -> Self {
        let pieces = Pieces { left: VecDeque::from([body.into()]), end: End::Well };
        Self { status, headers: Vec::new(), pieces }
    }

    /// A page of repos with these DIDs, and this cursor in JSON.
    pub(crate) fn page<'a>(dids: impl IntoIterator<Item = &'a str>, cursor: &str) -> Self {
        Self::json(page(dids, cursor))
    }

    /// Compresses the body.
    pub(crate) fn gzipped(mut self) -> Self {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        self.pieces.left.drain(..).for_each(|piece| gzip.write_all(&piece).unwrap());
        self.pieces.left.push_back(gzip.finish().unwrap().into());
        self.with("content-encoding", "gzip")
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The connection is cut in the middle of the body, whose length was told.
    pub(crate) fn cut(mut self) -> Self {
        let whole = self.pieces.left.pop_front().unwrap();
        self.pieces.left.push_back(whole.slice(..whole.len() / 2));
        self.pieces.end = End::Cut;
        self.with("content-length", whole.len().to_string())
    }

    /// The body has no end, and nothing more comes.
    pub(crate) fn unfinished(mut self) -> Self {
        self.pieces.end = End::Never;
        self
    }

    /// The body has no end, and repeats itself.
    pub(crate) fn endless(mut self) -> Self {
        self.pieces.end = End::Repeats;
        self
    }

    pub(crate) fn into_response(self) -> Response<Pieces> {
        let mut response = Response::new(self.pieces);
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap();
        for (name, value) in self.headers {
            let name = HeaderName::from_static(name);
            response.headers_mut().append(name, HeaderValue::from_str(&value).unwrap());
        }
        response
    }
}

/// A page of repos with these DIDs, and this cursor in JSON; without one where it is empty.
pub(crate) fn page<'a>(dids: impl IntoIterator<Item = &'a str>, cursor: &str) -> String {
    let rows: Vec<_> = dids
        .into_iter()
        .map(|did| format!(r#"{{"did":"{did}","head":"b","rev":"3jzfcijpj2z2a"}}"#))
        .collect();
    let cursor = if cursor.is_empty() { String::new() } else { format!(r#","cursor":{cursor}"#) };
    format!(r#"{{"repos":[{}]{cursor}}}"#, rows.join(","))
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.end == End::Repeats {
            return Poll::Ready(self.left.front().cloned().map(|piece| Ok(Frame::data(piece))));
        }
        match (self.left.pop_front(), self.end) {
            (Some(piece), _) => Poll::Ready(Some(Ok(Frame::data(piece)))),
            (None, End::Cut) => Poll::Ready(Some(Err(io::Error::other("cut")))),
            (None, End::Never) => Poll::Pending,
            (None, End::Well | End::Repeats) => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.end == End::Well && self.left.is_empty()
    }
}
