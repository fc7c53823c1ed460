package pesit

import "fmt"

// Write gives articles to be sent, when Ready: of the order's length. They
// belong to the session until it is Ready again.
func (s *Session) Write(articles ...[]byte) []FPDU {
	if !s.Ready() {
		return nil
	}
	for _, article := range articles {
		wrong := len(article) > int(s.order.ArticleLength) || len(article) == 0 ||
			(s.order.Format == Fixed && len(article) != int(s.order.ArticleLength))
		if wrong {
			return s.Abort(Reason(reasonArticleTooLong))
		}
		s.bytes += int64(len(article))
	}
	s.articles += int64(len(articles))
	size := s.size
	if interval := s.interval(); interval > 0 && s.order.Several {
		// Articles that are together stand between the same two points.
		size = min(size, interval+HeaderBytes)
	}
	s.pending = Pack(s.peer, size, s.order.Several, articles...)
	return s.flush(nil)
}

// End says that all content was given, when Ready. TRANS.END may be among what
// it gives, or among what a later Receive does.
func (s *Session) End() []FPDU {
	if !s.Ready() {
		return nil
	}
	s.ended = true
	return s.flush(nil)
}

// flush gives the content that the window lets through, and the end behind it.
func (s *Session) flush(send []FPDU) []FPDU {
	for len(s.pending) > 0 {
		if s.closed() {
			return send
		}
		next := s.pending[0]
		if interval := s.interval(); interval > 0 && next.begins() && s.unsaid > 0 && s.unsaid+s.ahead() > interval {
			if send = s.mark(send); s.closed() || s.state == over {
				return send
			}
		}
		s.pending = s.pending[1:]
		s.unsaid += next.contentBytes()
		send = append(send, next)
	}
	if !s.ended {
		return send
	}
	// A point behind the last article, and its acknowledgement before TRANS.END:
	// what the partner lost on the way is then known while nothing is delivered yet.
	if s.sync.Interval != 0 && s.unsaid > 0 {
		if send = s.mark(send); s.state == over {
			return send
		}
	}
	if s.sync.Window > 0 && s.acked < s.synced {
		return send
	}
	s.state, s.said = ending, true
	return append(send, s.request(DTFEnd, Success.Parameter()), s.transEnd())
}

func (s *Session) transEnd() FPDU {
	//nolint:gosec // counts of ours, above zero
	return s.request(TransEnd, Number(ByteCount, uint64(s.bytes)), Number(ArticleCount, uint64(s.articles)))
}

// begins tells an FPDU that a point may stand before.
func (f FPDU) begins() bool { return f.Kind == DTF || f.Kind == DTFDA }

// contentBytes counts the bytes of articles.
func (f FPDU) contentBytes() int { return len(f.Data) - articleLengthBytes*int(f.Src) }

// ahead counts the bytes of the article, or articles, that are next.
func (s *Session) ahead() int {
	bytes := s.pending[0].contentBytes()
	if s.pending[0].Kind == DTF {
		return bytes
	}
	for _, part := range s.pending[1:] {
		bytes += part.contentBytes()
		if part.Kind == DTFFA {
			break
		}
	}
	return bytes
}

// closed tells that the partner has to acknowledge a point first.
func (s *Session) closed() bool {
	return s.sync.Window > 0 && s.synced-s.acked >= uint32(s.sync.Window)
}

// mark sets a point.
func (s *Session) mark(send []FPDU) []FPDU {
	if s.synced == MaxSyncNumber {
		return append(send, s.Abort(Reason(reasonByTheUser))...)
	}
	s.synced++
	s.unsaid = 0
	return append(send, s.request(Syn, Number(SyncNumber, uint64(s.synced))))
}

// acknowledged takes the acknowledgement of a point, which is that of all
// before it.
func (s *Session) acknowledged(f FPDU) []FPDU {
	number := f.Parameters.Number(SyncNumber)
	if number <= uint64(s.acked) || number > uint64(s.synced) {
		return s.violated(f.Kind, Reason(reasonProtocol), fmt.Sprintf("of point %d, where %d to %d are open", number, s.acked+1, s.synced))
	}
	s.acked = uint32(number) //nolint:gosec // below synced
	return s.flush(nil)
}

// receiveContent takes what comes between ACK(READ) and DTF.END.
func (s *Session) receiveContent(f FPDU) (send []FPDU, content [][]byte) {
	switch {
	case f.Kind == Syn:
		return s.marked(f), nil
	case f.Kind == DTFEnd:
		return s.contentEnded(f), nil
	case !f.Kind.IsData():
		return s.violated(f.Kind, Reason(reasonProtocol), "instead of content"), nil
	case f.begins() != (s.inArticle < 0):
		return s.violated(f.Kind, Reason(reasonProtocol), "parts of articles out of order"), nil
	}
	wrong := ""
	err := f.Articles(func(article []byte) error {
		if wrong == "" {
			wrong = s.article(f.Kind, len(article))
		}
		content = append(content, article)
		return nil
	})
	if err != nil {
		wrong = err.Error()
	}
	if wrong != "" {
		return s.violated(f.Kind, Reason(reasonArticleTooLong), wrong), nil
	}
	return nil, content
}

// article counts an article, or a part of one, and says what is wrong with it.
func (s *Session) article(kind Kind, length int) string {
	s.inArticle = max(s.inArticle, 0) + length
	s.bytes += int64(length)
	longest := MaxArticle
	if s.file.ArticleLength > 0 {
		longest = int(s.file.ArticleLength)
	}
	if s.inArticle > longest {
		return fmt.Sprintf("an article of more than %d bytes", longest)
	}
	if kind != DTF && kind != DTFFA {
		return ""
	}
	if s.file.Described && s.file.Format == Fixed && s.inArticle != longest {
		return fmt.Sprintf("an article of %d bytes instead of %d", s.inArticle, longest)
	}
	s.articles++
	s.inArticle = -1
	return ""
}

// marked takes a point of the partner's.
func (s *Session) marked(f FPDU) []FPDU {
	number := f.Parameters.Number(SyncNumber)
	if s.sync.Interval == 0 || s.inArticle >= 0 || number != uint64(s.synced)+1 {
		reason := fmt.Sprintf("point %d behind point %d, or inside of an article", number, s.synced)
		return s.violated(f.Kind, Reason(reasonProtocol), reason)
	}
	s.synced++
	if s.sync.Window == 0 {
		return nil
	}
	return []FPDU{s.request(AckSyn, Number(SyncNumber, number))}
}

// contentEnded takes the end of the content.
func (s *Session) contentEnded(f FPDU) []FPDU {
	if diagnostic := f.Parameters.Diagnostic(); !diagnostic.OK() {
		s.refused(f.Kind, diagnostic)
		return s.closeFile()
	}
	if s.inArticle >= 0 {
		return s.violated(f.Kind, Reason(reasonProtocol), "inside of an article")
	}
	s.state = received
	return nil
}

// Confirm says, when Received, that the content is kept: the partner may
// take it for delivered, and give it to nobody again.
func (s *Session) Confirm() []FPDU {
	if s.state != received {
		return nil
	}
	s.state, s.said = ending, true
	return []FPDU{s.transEnd()}
}
