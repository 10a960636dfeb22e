// Instructions whose words an assembler made, and what kind of work they are.
#include "benchmarks/emulated/a64.h"

#include <gtest/gtest.h>

#include <vector>

namespace octet::emulated {
namespace {

struct Known {
  uint32_t word;
  const char* text;
};

void expect_all(Category category, const std::vector<Known>& instructions) {
  for (const Known& i : instructions) EXPECT_EQ(category_of(i.word), category) << i.text;
}

TEST(Category, Multiplies) {
  expect_all(Category::Multiply, {{0x0e22c020, "smull v0.8h, v1.8b, v2.8b"},
                                  {0x4e228020, "smlal2 v0.8h, v1.16b, v2.16b"},
                                  {0x2e62a020, "umlsl v0.4s, v1.4h, v2.4h"},
                                  {0x0f722020, "smlal v0.4s, v1.4h, v2.h[3]"},
                                  {0x4e629420, "mla v0.8h, v1.8h, v2.8h"},
                                  {0x4ea29c20, "mul v0.4s, v1.4s, v2.4s"},
                                  {0x4f528020, "mul v0.8h, v1.8h, v2.h[1]"},
                                  {0x4fa2e020, "sdot v0.4s, v1.16b, v2.4b[1]"},
                                  {0x6e829420, "udot v0.4s, v1.16b, v2.16b"},
                                  {0x4e829c20, "usdot v0.4s, v1.16b, v2.16b"},
                                  {0x4f02f020, "sudot v0.4s, v1.16b, v2.4b[0]"},
                                  {0x4e82a420, "smmla v0.4s, v1.16b, v2.16b"},
                                  {0x4e82ac20, "usmmla v0.4s, v1.16b, v2.16b"},
                                  {0x4e22cc20, "fmla v0.4s, v1.4s, v2.4s"},
                                  {0x4f829020, "fmul v0.4s, v1.4s, v2.s[0]"},
                                  {0x0e62d020, "sqdmull v0.4s, v1.4h, v2.4h"}});
}

TEST(Category, OtherVectorWork) {
  expect_all(Category::OtherVector, {{0x6ea2b420, "sqrdmulh v0.4s, v1.4s, v2.4s"},
                                     {0x4fa2d020, "sqrdmulh v0.4s, v1.4s, v2.s[1]"},
                                     {0x4ea2b420, "sqdmulh v0.4s, v1.4s, v2.4s"},
                                     {0x6e828420, "sqrdmlah v0.4s, v1.4s, v2.4s"},
                                     {0x6f82d020, "sqrdmlah v0.4s, v1.4s, v2.s[0]"},
                                     {0x4e606820, "sadalp v0.4s, v1.8h"},
                                     {0x0e621020, "saddw v0.4s, v1.4s, v2.4h"},
                                     {0x4ea28420, "add v0.4s, v1.4s, v2.4s"},
                                     {0x4e22d420, "fadd v0.4s, v1.4s, v2.4s"},
                                     {0x4ea25420, "srshl v0.4s, v1.4s, v2.4s"},
                                     {0x4f211420, "ssra v0.4s, v1.4s, #31"},
                                     {0x0e614820, "sqxtn v0.4h, v1.4s"},
                                     {0x4e023820, "zip1 v0.16b, v1.16b, v2.16b"},
                                     {0x4e020020, "tbl v0.16b, { v1.16b }, v2.16b"},
                                     {0x4e040c20, "dup v0.4s, w1"},
                                     {0x0e043c20, "mov w0, v1.s[0]"},
                                     {0x4f000400, "movi v0.4s, #0"},
                                     {0x4e284820, "aese v0.16b, v1.16b"}});
}

TEST(Category, Loads) {
  expect_all(Category::Load, {{0x3dc00020, "ldr q0, [x1]"},
                              {0x3ce26820, "ldr q0, [x1, x2]"},
                              {0xacc10440, "ldp q0, q1, [x2], #32"},
                              {0x4d40c820, "ld1r { v0.4s }, [x1]"},
                              {0x4c400080, "ld4 { v0.16b, v1.16b, v2.16b, v3.16b }, [x4]"},
                              {0x0ddf9020, "ld1 { v0.s }[1], [x1], #4"},
                              {0xbd400020, "ldr s0, [x1]"},
                              {0x9c000080, "ldr q0, #16"},
                              {0xac400440, "ldnp q0, q1, [x2]"}});
}

TEST(Category, Stores) {
  expect_all(Category::Store, {{0x3c810c20, "str q0, [x1, #16]!"},
                               {0xad0007e0, "stp q0, q1, [sp]"},
                               {0x3c9f0020, "stur q0, [x1, #-16]"},
                               {0x4c000080, "st4 { v0.16b, v1.16b, v2.16b, v3.16b }, [x4]"},
                               {0x0d009020, "st1 { v0.s }[1], [x1]"},
                               {0x3d000020, "str b0, [x1]"}});
}

TEST(Category, Scalars) {
  expect_all(Category::Scalar, {{0xf9400020, "ldr x0, [x1]"},
                                {0xb9000020, "str w0, [x1]"},
                                {0xa9bf7bfd, "stp x29, x30, [sp]"},
                                {0xf9800000, "prfm pldl1keep, [x0]"},
                                {0x885ffc20, "ldaxr w0, [x1]"},
                                {0x8b020020, "add x0, x1, x2"},
                                {0x9b020c20, "madd x0, x1, x2, x3"},
                                {0xd2800020, "mov x0, #1"},
                                {0xb0000000, "adrp x0, #4096"},
                                {0xd503201f, "nop"},
                                {0xd53b4200, "mrs x0, nzcv"},
                                {0x1e220820, "fmul s0, s1, s2"},
                                {0x9e660020, "fmov x0, d1"},
                                {0x1e220020, "scvtf s0, w1"},
                                {0x9a820020, "csel x0, x1, x2, eq"},
                                {0x54ffffc1, "b.ne #-8"},
                                {0xd65f03c0, "ret"}});
}

TEST(Branches, EndBlocks) {
  for (const Known& i : std::vector<Known>{{0x94000002, "bl #8"},
                                           {0xd65f03c0, "ret"},
                                           {0xd61f0000, "br x0"},
                                           {0xd63f0020, "blr x1"},
                                           {0xb4000040, "cbz x0, #8"},
                                           {0x36080040, "tbz w0, #1, #8"},
                                           {0x54ffffe0, "b.eq #-4"},
                                           {0x17fffffe, "b #-8"}}) {
    EXPECT_TRUE(is_branch(i.word)) << i.text;
  }
}

TEST(Branches, NothingElseDoes) {
  for (const Known& i : std::vector<Known>{{0xd4000001, "svc #0"},
                                           {0xd4200020, "brk #1"},
                                           {0xd503201f, "nop"},
                                           {0xd51b4200, "msr nzcv, x0"},
                                           {0x8b020020, "add x0, x1, x2"},
                                           {0x3dc00020, "ldr q0, [x1]"},
                                           {0x0e22c020, "smull v0.8h, v1.8b, v2.8b"}}) {
    EXPECT_FALSE(is_branch(i.word)) << i.text;
  }
}

}  // namespace
}  // namespace octet::emulated
