package planner

// flow is a network through which as much as possible is sent, as cheaply as possible: successive cheapest paths
// (Ahuja, Magnanti and Orlin, Network Flows, 9.7). Costs are whole numbers and never negative.
type flow struct {
	edges []edge
	from  [][]int // of each node the edges that leave it
}

// edge i and edge i^1 are each other's way back.
type edge struct {
	to, room, cost int
}

func newFlow(nodes int) *flow { return &flow{from: make([][]int, nodes)} }

func (f *flow) node() int {
	f.from = append(f.from, nil)
	return len(f.from) - 1
}

// add makes an edge and returns its number.
func (f *flow) add(from, to, room, cost int) int {
	n := len(f.edges)
	f.edges = append(f.edges, edge{to, room, cost}, edge{from, 0, -cost})
	f.from[from] = append(f.from[from], n)
	f.from[to] = append(f.from[to], n+1)
	return n
}

// used tells whether something went through an edge.
func (f *flow) used(n int) bool { return f.edges[n^1].room > 0 }

// send sends all it can from one node to another, and returns how much and what it costs.
func (f *flow) send(source, sink int) (sent, cost int) {
	for {
		dist, by := f.paths(source)
		if by[sink] < 0 {
			return sent, cost
		}
		for at := sink; at != source; at = f.edges[by[at]^1].to {
			f.edges[by[at]].room--
			f.edges[by[at]^1].room++
		}
		sent, cost = sent+1, cost+dist[sink]
	}
}

// paths finds the cheapest way from one node to all others, with a queue of the nodes that became cheaper: some edges cost
// less than nothing, because they take something back.
func (f *flow) paths(source int) (dist, by []int) {
	const far = int(^uint(0) >> 2)
	dist, by = make([]int, len(f.from)), make([]int, len(f.from))
	for i := range dist {
		dist[i], by[i] = far, -1
	}
	dist[source] = 0
	waiting := make([]bool, len(f.from))
	queue := []int{source}
	for len(queue) > 0 {
		at := queue[0]
		queue, waiting[at] = queue[1:], false
		for _, n := range f.from[at] {
			e := f.edges[n]
			if e.room > 0 && dist[at]+e.cost < dist[e.to] {
				dist[e.to], by[e.to] = dist[at]+e.cost, n
				if !waiting[e.to] {
					waiting[e.to] = true
					queue = append(queue, e.to)
				}
			}
		}
	}
	return dist, by
}
