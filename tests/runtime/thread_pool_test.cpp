#include "runtime/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include "models/model.h"

namespace octet {
namespace {

struct Case {
  int threads;
  int64_t count, grain;
};

/// Every size around a multiple of every grain, for every number of threads.
std::vector<Case> cases() {
  std::vector<Case> all;
  for (const int threads : {1, 2, 3, 4, 8}) {
    for (const int64_t grain : {1, 2, 7, 64}) {
      for (const int64_t count : {0, 1, 2, 3, 7, 8, 49, 63, 64, 65, 1000, 4099}) all.push_back({threads, count, grain});
    }
  }
  return all;
}

TEST(ThreadPool, CoversEveryIndexOnce) {
  for (const Case& c : cases()) {
    ThreadPool pool(c.threads);
    ASSERT_EQ(pool.threads(), c.threads);
    std::vector<std::atomic<int>> seen(static_cast<size_t>(c.count));
    pool.parallel_for(c.count, c.grain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) ++seen[static_cast<size_t>(i)];
    });
    for (const auto& times : seen) {
      ASSERT_EQ(times, 1) << c.threads << " threads, count " << c.count << ", grain " << c.grain;
    }
  }
}

TEST(ThreadPool, RangesRespectTheGrain) {
  for (const Case& c : cases()) {
    ThreadPool pool(c.threads);
    std::mutex mutex;
    std::vector<std::pair<int64_t, int64_t>> ranges;
    pool.parallel_for(c.count, c.grain, [&](int64_t begin, int64_t end) {
      const std::lock_guard lock(mutex);
      ranges.emplace_back(begin, end);
    });
    for (const auto& [begin, end] : ranges) {
      EXPECT_EQ(begin % c.grain, 0);
      EXPECT_TRUE(end - begin >= c.grain || end == c.count) << begin << " to " << end << " of " << c.count;
    }
  }
}

TEST(ThreadPool, HugeCountsKeepTheirRanges) {
  ThreadPool pool(3);
  std::atomic<int64_t> sum{0};
  const int64_t count = (int64_t{1} << 40) + 5;
  pool.parallel_for(count, 1, [&](int64_t begin, int64_t end) { sum += end - begin; });
  EXPECT_EQ(sum, count);
}

TEST(ThreadPool, ResultsAreVisibleToTheCallerAndTheNextJob) {
  ThreadPool pool(4);
  std::vector<int64_t> here(1000, 0), there(1000, 0);
  for (int job = 0; job < 2000; ++job) {
    // Elements written by one thread are read by another one in the next job.
    pool.parallel_for(1000, 1 + job % 7, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) there[static_cast<size_t>(i)] = here[static_cast<size_t>(999 - i)] + 1;
    });
    std::swap(here, there);
    ASSERT_EQ(here, std::vector<int64_t>(1000, job + 1));
  }
}

TEST(ThreadPool, WakesSleepingWorkers) {
  ThreadPool pool(2);
  for (int job = 0; job < 20; ++job) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::atomic<int64_t> done{0};
    pool.parallel_for(100, 1, [&](int64_t begin, int64_t end) { done += end - begin; });
    ASSERT_EQ(done, 100);
  }
}

TEST(ThreadPool, WaitsForSlowBodies) {
  ThreadPool pool(4);
  std::atomic<int> done{0};
  pool.parallel_for(4, 1, [&](int64_t begin, int64_t end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5 * begin));
    done += static_cast<int>(end - begin);
  });
  EXPECT_EQ(done, 4);
}

TEST(ThreadPool, WorkIsSharedByThreads) {
  ThreadPool pool(2);
  std::mutex mutex;
  std::vector<std::thread::id> ids;
  pool.parallel_for(2, 1, [&](int64_t, int64_t) {
    {
      const std::lock_guard lock(mutex);
      ids.push_back(std::this_thread::get_id());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  });
  ASSERT_EQ(ids.size(), 2u);
  EXPECT_NE(ids[0], ids[1]);
}

TEST(ThreadPool, ExceptionsReachTheCaller) {
  for (const int threads : {1, 2, 4, 8}) {
    ThreadPool pool(threads);
    for (int64_t bad = 0; bad < 50; bad += 7) {
      const auto run = [&] {
        pool.parallel_for(50, 1, [&](int64_t begin, int64_t end) {
          if (begin <= bad && bad < end) throw std::runtime_error("element " + std::to_string(bad));
        });
      };
      EXPECT_THROW(run(), std::runtime_error);
      std::atomic<int64_t> done{0};  // and the pool lives on
      pool.parallel_for(50, 1, [&](int64_t begin, int64_t end) { done += end - begin; });
      EXPECT_EQ(done, 50);
    }
  }
}

TEST(ThreadPool, PoolsAreIndependent) {
  std::vector<std::thread> users;
  std::atomic<int64_t> total{0};
  for (int user = 0; user < 4; ++user) {
    users.emplace_back([&] {
      ThreadPool pool(3);
      for (int job = 0; job < 300; ++job) {
        pool.parallel_for(17, 2, [&](int64_t begin, int64_t end) { total += end - begin; });
      }
    });
  }
  for (std::thread& user : users) user.join();
  EXPECT_EQ(total, 4 * 300 * 17);
}

TEST(ThreadPool, RefusesSillyNumbers) {
  EXPECT_THROW(ThreadPool(0), ModelError);
  EXPECT_THROW(ThreadPool(-3), ModelError);
  EXPECT_THROW(ThreadPool(1025), ModelError);
}

}  // namespace
}  // namespace octet
