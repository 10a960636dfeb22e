#include "schedules/x86_lanes.h"

namespace octet {

using namespace Halide;
using namespace Halide::Internal;

namespace {

constexpr int kLaneBytes = 16;

// Elements of `size` bytes of each lane's lower (or upper) half, those of a and b in turn: vpunpckl, vpunpckh.
Expr unpack(const Expr& a, const Expr& b, int size, bool upper) {
  const int bytes = a.type().bytes() * a.type().lanes(), lane = kLaneBytes / size, count = bytes / size;
  const Type type = UInt(8 * size, count);
  std::vector<int> indices;
  for (int i = 0; i < count; i++) {
    const int from = i / lane * lane + (upper ? lane / 2 : 0) + i % lane / 2;
    indices.push_back(i % 2 == 0 ? from : count + from);
  }
  return reinterpret(UInt(8, bytes), Shuffle::make({reinterpret(type, a), reinterpret(type, b)}, indices));
}

// The lower halves of a's and b's elements of 2 * size bytes, lane by lane: vpackus, where the upper halves are known
// to be 0.
Expr pack(const Expr& a, const Expr& b, int size) {
  const int lane = kLaneBytes / size, count = a.type().bytes() * a.type().lanes() / size;
  const Type type = UInt(8 * size, count);
  std::vector<int> indices;
  for (int i = 0; i < count; i++) {
    const int from = i / lane * lane + i % (lane / 2) * 2;
    indices.push_back(i % lane < lane / 2 ? from : count + from);
  }
  return Shuffle::make({reinterpret(type, a), reinterpret(type, b)}, indices);
}

class WithinLanes : public IRMutator {
 public:
  explicit WithinLanes(int vector_bytes) : vector_bytes_(vector_bytes) {}

 private:
  using IRMutator::visit;

  const int vector_bytes_;

  Expr visit(const Shuffle* op) override {
    if (!op->is_interleave() || op->vectors[0].type() != UInt(8, vector_bytes_)) return IRMutator::visit(op);
    std::vector<Expr> rows;
    for (const Expr& row : op->vectors) rows.push_back(mutate(row));
    std::vector<Expr> groups;
    if (rows.size() == 2) {
      groups = {unpack(rows[0], rows[1], 1, false), unpack(rows[0], rows[1], 1, true)};
    } else if (rows.size() == 4) {
      for (const bool upper_bytes : {false, true})
        for (const bool upper_words : {false, true})
          groups.push_back(unpack(unpack(rows[0], rows[1], 1, upper_bytes), unpack(rows[2], rows[3], 1, upper_bytes), 2,
                                  upper_words));
    } else {
      return IRMutator::visit(op);
    }
    return Shuffle::make_concat(groups);
  }

  // What is narrowed is read whole: a predicate that says which channels are stored holds for their order, not this.
  Expr visit(const Load* op) override {
    if (op->type != Int(32, vector_bytes_)) return IRMutator::visit(op);
    return Load::make(op->type, op->name, mutate(op->index), op->image, op->param, const_true(vector_bytes_),
                      op->alignment);
  }

  Expr visit(const Cast* op) override {
    if (op->type != UInt(8, vector_bytes_) || op->value.type() != Int(32, vector_bytes_)) return IRMutator::visit(op);
    const Expr value = mutate(op->value);
    const auto part = [&](int i) { return Shuffle::make_slice(value, i * vector_bytes_ / 4, 1, vector_bytes_ / 4); };
    const Expr packed = pack(pack(part(0), part(1), 2), pack(part(2), part(3), 2), 1);
    if (vector_bytes_ == 64) return packed;
    // Sums of 8 channels in a row, not of 4 of each lane.
    const Expr words = reinterpret(UInt(32, 8), packed);
    return reinterpret(UInt(8, 32), Shuffle::make({words}, {0, 4, 2, 6, 1, 5, 3, 7}));
  }
};

}  // namespace

void keep_within_lanes(Func& output, int vector_bytes) {
  output.add_custom_lowering_pass(new WithinLanes(vector_bytes));
}

}  // namespace octet
