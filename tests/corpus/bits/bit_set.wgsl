// The sieve of Eratosthenes in a set of bits, for the odd numbers below 64 times the words: one thread a prime below 64.
@group(0) @binding(0) var<storage, read_write> composite: array<atomic<u32>>;
@compute @workgroup_size(32) fn main(@builtin(local_invocation_index) local: u32) {
    let prime = 2 * local + 3;
    let bits = arrayLength(&composite) * 32;
    for (var odd = (prime * prime - 1) / 2; odd < bits; odd += prime) {
        atomicOr(&composite[odd / 32], 1u << (odd % 32));
    }
}
