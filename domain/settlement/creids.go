package settlement

import (
	"hash/maphash"

	"github.com/reglo/reglo/domain/fault"
)

const (
	shardCount = 256 // by the first byte of a hash: small enough sets to be searched within a processor's cache
	shardShift = 56
	blockSize  = 512 // hashes: shards grow by 4 KiB, without copying and with little to spare

	// maxSuspects is how many hashes that come twice are looked up in the file again, some 15 MB. Beyond them a
	// repeated hash counts as a repeated creId: the file is refused all the same.
	maxSuspects = 100_000
)

// creIDs finds the creIds that come twice in a file. It remembers eight bytes a creId, its hash under a random seed: when
// no hash comes twice, no creId does. When one does, the file must be read again to tell a repeated creId from two that
// share their hash by accident.
type creIDs struct {
	seed   maphash.Seed
	shards [shardCount][][]uint64
}

func newCreIDs() *creIDs { return &creIDs{seed: maphash.MakeSeed()} }

func (c *creIDs) add(creID []byte) {
	hash := maphash.Bytes(c.seed, creID)
	shard := &c.shards[hash>>shardShift]
	last := len(*shard) - 1

	if last < 0 || len((*shard)[last]) == blockSize {
		*shard = append(*shard, make([]uint64, 0, blockSize))
		last++
	}

	(*shard)[last] = append((*shard)[last], hash)
}

// repeated gives the hashes that came more than once.
func (c *creIDs) repeated() *suspects {
	found := &suspects{seed: c.seed, hashes: make(map[uint64]struct{}), firsts: make(map[string]int)}

	var set []uint64

	for i := range c.shards {
		shard := c.shards[i]

		// An open-addressing set, at most half full. Zero marks a free place; a hash of zero passes for one.
		size := 2 * blockSize
		for size < 2*blockSize*len(shard) {
			size *= 2
		}

		if len(set) < size {
			set = make([]uint64, size)
		} else {
			set = set[:size]
			clear(set)
		}

		for _, block := range shard {
			for _, hash := range block {
				hash = max(hash, 1)
				place := hash & uint64(size-1) //nolint:gosec // a size is positive

				for set[place] != 0 && set[place] != hash {
					place = (place + 1) & uint64(size-1) //nolint:gosec // a size is positive
				}

				if set[place] == hash {
					found.suspect(hash)
				}

				set[place] = hash
			}
		}
	}

	return found
}

// suspects tells, in a second reading, which creIds of a repeated hash are repeated themselves.
type suspects struct {
	seed   maphash.Seed
	hashes map[uint64]struct{}
	firsts map[string]int // line of the file on which each creId of these hashes came first
	rest   int            // repetitions of hashes beyond maxSuspects
}

func (s *suspects) suspect(hash uint64) {
	if _, known := s.hashes[hash]; known {
		return
	}

	if len(s.hashes) == maxSuspects {
		s.rest++

		return
	}

	s.hashes[hash] = struct{}{}
}

func (s *suspects) none() bool { return len(s.hashes) == 0 }

// first gives the line on which a creId came before, or 0.
func (s *suspects) first(creID []byte, number int) int {
	if _, suspected := s.hashes[max(maphash.Bytes(s.seed, creID), 1)]; !suspected {
		return 0
	}

	if first, known := s.firsts[string(creID)]; known {
		return first
	}

	s.firsts[string(creID)] = number

	return 0
}

// countRest counts the repetitions that were not looked up.
func (s *suspects) countRest(faults *fault.Faults) {
	for range s.rest {
		faults.Add(fault.Fault{
			Field: FieldCreID.String(), Code: fault.CodeDuplicateCre, Reason: "comes twice in the file",
		})
	}
}
