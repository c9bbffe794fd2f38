struct Small { a: u32, b: vec2f }
struct Node { position: vec3f, kind: u32, children: array<u32, 3>, small: Small, basis: mat2x3f }
struct Tree { root: Node, count: u32, nodes: array<Node> }
@group(0) @binding(0) var<storage, read> tree: Tree;
@group(0) @binding(1) var<storage, read_write> copy: Tree;
@compute @workgroup_size(4) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x == 0 {
        copy.root = tree.root;
        copy.count = arrayLength(&tree.nodes);
    }
    if id.x < arrayLength(&tree.nodes) {
        var node = tree.nodes[id.x];
        node.children[node.kind % 3] += 1;
        node.basis[1].z *= 2.0;
        node.small.b = node.small.b.yx;
        copy.nodes[id.x] = node;
    }
}
