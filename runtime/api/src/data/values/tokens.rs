//! The tokens of a text: delimiters, and what stands between them.

/// Splits a text at `:`, `,`, brackets, braces and quotes unless a backslash stands before them.
pub(super) struct Tokens<'a> {
    text: &'a str,
    at: usize,
    /// A token that was looked at and not taken.
    peeked: Option<&'a str>,
}

/// `String.trim()`: without the characters up to the blank at both ends.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(|character| character <= ' ')
}

impl<'a> Tokens<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            peeked: None,
        }
    }

    /// The whole text.
    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    /// Where the next token begins. Blanks that were skipped to look at it are behind.
    pub(super) fn mark(&self) -> usize {
        self.at - self.peeked.map_or(0, str::len)
    }

    pub(super) fn rewind(&mut self, mark: usize) {
        self.at = mark;
        self.peeked = None;
    }

    pub(super) fn has_next(&self) -> bool {
        self.peeked.is_some() || self.at < self.text.len()
    }

    pub(super) fn next(&mut self) -> &'a str {
        match self.peeked.take() {
            Some(token) => token,
            None => self.read(),
        }
    }

    /// The text of the next tokens; `None` if there are not so many.
    pub(super) fn next_joined(&mut self, num_tokens: usize) -> Option<&'a str> {
        let start = self.mark();
        for _ in 0..num_tokens {
            if !self.has_next() {
                self.rewind(start);
                return None;
            }
            self.next();
        }
        Some(&self.text[start..self.at])
    }

    /// Takes the next token that is not blank if it is the expected one, blanks around it aside.
    pub(super) fn take(&mut self, expected: &str) -> bool {
        if !self.has_next() {
            return false;
        }
        let mut token = match self.peeked {
            Some(token) => token,
            None => self.read(),
        };
        while trim(token).is_empty() && self.at < self.text.len() {
            token = self.read();
        }
        let is_expected = trim(token) == expected;
        self.peeked = (!is_expected).then_some(token);
        is_expected
    }

    fn read(&mut self) -> &'a str {
        let start = self.at;
        let mut is_escaped = false;
        for (offset, byte) in self.text[start..].bytes().enumerate() {
            match byte {
                b'\\' => is_escaped = !is_escaped,
                b':' | b',' | b'{' | b'}' | b'[' | b']' | b'"' if !is_escaped => {
                    // A delimiter ends the token before it, or is one itself.
                    self.at = start + offset.max(1);
                    return &self.text[start..self.at];
                }
                _ => is_escaped = false,
            }
        }
        self.at = self.text.len();
        &self.text[start..]
    }
}
