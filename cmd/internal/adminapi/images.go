package adminapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"time"

	"github.com/aureole-cloud/aureole/core/errs"
)

// addImage reads a multipart body: the description first, then the parts of the image. Images are large, so neither the
// bound of other bodies nor their time holds.
func (h *handler) addImage(w http.ResponseWriter, r *http.Request) {
	if err := http.NewResponseController(w).SetReadDeadline(time.Time{}); err != nil {
		h.Logger.Debug("an image has limited time", "err", err)
	}
	img, err := h.readImage(r)
	if err != nil {
		if statusOf(err) == http.StatusInternalServerError {
			h.Logger.Error("admin request failed", "method", r.Method, "path", r.URL.Path, "err", err)
		}
		writeJSON(w, statusOf(err), failure{message(err)})
		return
	}
	writeJSON(w, http.StatusOK, img)
}

func (h *handler) readImage(r *http.Request) (Image, error) {
	parts, err := r.MultipartReader()
	if err != nil {
		return Image{}, errs.New(errs.Invalid, "", "an image is sent as multipart/form-data: %v", err)
	}
	first, err := parts.NextPart()
	if err != nil || first.FormName() != "image" {
		return Image{}, errs.New(errs.Invalid, "", "the first part must be the image's description")
	}
	var n NewImage
	d := json.NewDecoder(io.LimitReader(first, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(&n); err != nil {
		return Image{}, errs.New(errs.Invalid, "", "the description is not the expected JSON: %v", err)
	}
	return h.Backend.AddImage(r.Context(), n, func() (string, io.Reader, error) {
		p, err := parts.NextPart()
		if err != nil {
			return "", nil, err
		}
		return p.FormName(), p, nil
	})
}

// ImagePart is a stream of an image.
type ImagePart struct {
	Name string // disk, kernel or initrd
	Body io.Reader
}

// AddImage makes a machine image of some streams.
func (c *Client) AddImage(ctx context.Context, n NewImage, parts ...ImagePart) (img Image, err error) {
	pr, pw := io.Pipe()
	form := multipart.NewWriter(pw)
	go func() { pw.CloseWithError(writeImage(form, n, parts)) }()
	defer pr.Close()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Base+"/admin/v1/images", pr)
	if err != nil {
		return img, err
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	return img, c.do(req, &img)
}

func writeImage(form *multipart.Writer, n NewImage, parts []ImagePart) error {
	w, err := form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="image"`}, "Content-Type": {"application/json"},
	})
	if err == nil {
		err = json.NewEncoder(w).Encode(n)
	}
	for _, p := range parts {
		if err != nil {
			return err
		}
		if w, err = form.CreateFormFile(p.Name, p.Name); err != nil {
			return err
		}
		if _, err = io.Copy(w, p.Body); err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
	}
	return errors.Join(err, form.Close())
}
