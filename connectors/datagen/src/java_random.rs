//! `java.util.Random`: its seed stands in stored offsets, so that either worker can go on with it.

const MULTIPLIER: i64 = 0x5_DEEC_E66D;
const MASK: i64 = (1 << 48) - 1;

/// A linear congruential generator of 48 bits.
#[derive(Clone, Debug)]
pub(crate) struct JavaRandom(i64);

impl JavaRandom {
    pub(crate) fn new(seed: i64) -> Self {
        Self((seed ^ MULTIPLIER) & MASK)
    }

    fn next(&mut self, num_bits: u32) -> i32 {
        self.0 = self.0.wrapping_mul(MULTIPLIER).wrapping_add(0xB) & MASK;
        // Java casts to 32 bits, too.
        (self.0 >> (48 - num_bits)) as i32
    }

    /// `nextInt()`.
    pub(crate) fn next_int(&mut self) -> i32 {
        self.next(32)
    }

    /// `nextLong()`.
    pub(crate) fn next_long(&mut self) -> i64 {
        let high = i64::from(self.next(32)) << 32;
        high.wrapping_add(i64::from(self.next(32)))
    }

    /// `nextDouble()`: from 0 (included) to 1 (excluded).
    pub(crate) fn next_double(&mut self) -> f64 {
        let high = i64::from(self.next(26)) << 27;
        (high + i64::from(self.next(27))) as f64 * (1.0 / (1i64 << 53) as f64)
    }

    /// A number below `bound`, which is 1 at least.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next_long().cast_unsigned() % bound.max(1)
    }

    /// An index into a list of this length, which is 1 at least.
    pub(crate) fn index(&mut self, len: usize) -> usize {
        self.below(len as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected numbers were printed by `java.util.Random` of JDK 17.
    #[test]
    fn numbers_are_those_of_java() {
        let mut random = JavaRandom::new(42);
        assert_eq!(random.next_long(), -5_025_562_857_975_149_833);
        assert_eq!(random.next_int(), -1_360_544_799);
        let mut random = JavaRandom::new(-5);
        assert_eq!(random.next_long(), 4_967_725_915_334_898_755);
        assert_eq!(JavaRandom::new(7).next_double(), 0.730_699_042_060_042_1);
    }
}
