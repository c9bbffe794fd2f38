// Steps of Collatz's sequence, by each kind of loop; they must agree.
@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4u>;
fn next(n: u32) -> u32 { return select(n / 2, 3 * n + 1, n % 2 == 1); }
fn by_loop(start: u32) -> u32 {
    var n = start;
    var steps = 0u;
    loop {
        if n == 1 { break; }
        if n % 2 == 0 {
            n /= 2;
            continue;
        }
        n = 3 * n + 1;
        continuing { steps++; }
    }
    return steps;
}
fn by_break_if(start: u32) -> u32 {
    var n = start;
    var steps = 0u;
    loop {
        n = next(n);
        continuing {
            steps += 1;
            break if n == 1;
        }
    }
    return steps;
}
fn by_while(start: u32) -> u32 {
    var n = start;
    var steps = 0u;
    while n != 1 { n = next(n); steps = steps + 1u; }
    return steps;
}
fn by_for(start: u32) -> u32 {
    var n = start;
    for (var steps = 0u; ; steps++) {
        if n == 1 { return steps; }
        n = next(n);
    }
    return 0u;
}
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&x) { return; }
    let n = x[id.x];
    y[id.x] = vec4u(by_loop(n), by_break_if(n), by_while(n), by_for(n));
}
