struct Size { width: u32, height: u32 }
@group(0) @binding(0) var<uniform> size: Size;
@group(0) @binding(1) var<storage, read> now: array<u32>;
@group(0) @binding(2) var<storage, read_write> next: array<u32>;
fn cell(x: u32, y: u32) -> u32 { return now[y % size.height * size.width + x % size.width]; }
@compute @workgroup_size(8, 8) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= size.width || id.y >= size.height { return; }
    var around = 0u;
    for (var i = 0u; i < 9; i++) {
        if i != 4 { around += cell(id.x + size.width + i % 3 - 1, id.y + size.height + i / 3 - 1); }
    }
    next[id.y * size.width + id.x] = select(u32(around == 3), u32(around == 2 || around == 3), cell(id.x, id.y) == 1);
}
